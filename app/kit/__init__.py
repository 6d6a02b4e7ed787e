"""The ground everything stands on: time, ids, money, columns, errors. It knows nothing of the rest."""
