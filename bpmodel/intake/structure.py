"""The structure of a fitted network: what cannot change where a fit continues one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bpmodel.option import Option


def structure(estimator: Any, options: Iterable[Option]) -> dict[str, Any]:
    """Return the structural options of an estimator whose network is drawn, in a form that can be compared."""
    return {o.name: o.structure(getattr(estimator, o.name), estimator) for o in options if o.structure is not None}


def check_structure(estimator: Any, options: Iterable[Option], fitted: dict[str, Any]) -> None:
    """Check that an estimator's options still describe its network.

    Parameters
    ----------
    estimator : BPRegressor or BPClassifier
    options : iterable of Option
    fitted : dict
        The structure when the network was drawn; networks of older versions have none.

    Raises
    ------
    ValueError
        If a structural option has changed.
    """
    for name, value in structure(estimator, options).items():
        if name in fitted and value != fitted[name]:
            raise ValueError(
                f"{name}={getattr(estimator, name)!r} does not fit the network, which was made with {fitted[name]!r}: "
                "warm_start and partial_fit continue a network as it is. Set it back, or begin a new network by fit with "
                "warm_start=False"
            )
