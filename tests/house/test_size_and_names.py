"""A file or function that has grown too long lacks a noun, and so does a module called utils."""

from tests.house.source import functions, modules

LONGEST_MODULE, LONGEST_FUNCTION = 320, 45  # lines
NOT_NAMES = ("utils", "util", "helpers", "helper", "manager", "managers", "service", "services", "common", "misc")


def test_no_module_is_too_long():
    lengths = {module.name: len(module.text.splitlines()) for module in modules()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_no_function_is_too_long():
    lengths = {
        f"{module.where(function)} {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for module in modules()
        for function in functions(module)
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def test_every_module_is_named_for_what_it_is_about():
    assert [module.name for module in modules() if set(module.name.split(".")) & set(NOT_NAMES)] == []
