"""The API's objects, one file each. A new file here is found by itself."""
