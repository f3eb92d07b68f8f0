"""Keys for models on other machines: in the system's keyring where there is one, else in a file of this user's.

A setting then holds `keyring:` and the name under which the key lies there; it is looked up when a model needs it.
"""

from __future__ import annotations

from typing import Any

from gakju.errors import KeyringRefused

SERVICE = "gakju"
_MARK = "keyring:"


def keep(name: str, secret: str) -> str:
    """What the setting `name` is to hold for `secret`: the key itself where there is no keyring. "" forgets it.

    Raises KeyringRefused where the keyring refuses: a key is neither written elsewhere than was said, nor called gone
    while it lies there.
    """
    ring = _ring()
    if ring is None:
        return secret
    try:
        if secret:
            ring.set_password(SERVICE, name, secret)
            return _MARK + name
        if ring.get_password(SERVICE, name) is not None:
            ring.delete_password(SERVICE, name)
    except Exception as error:  # Backends raise what they like.
        hint = f"Unlock the keyring and try again, or set GAKJU_{name.upper()}."
        raise KeyringRefused("The system's keyring refused.", hint=hint) from error
    return ""


def key(held: str) -> str:
    """The key that a setting holds; "" where the keyring does not give it."""
    if not held.startswith(_MARK):
        return held
    ring = _ring()
    try:
        return (ring.get_password(SERVICE, held.removeprefix(_MARK)) or "") if ring else ""
    except Exception:
        return ""


def place() -> str:
    """Where a key would be kept now: "keyring" or "file"."""
    return "keyring" if _ring() else "file"


def _ring() -> Any:
    """The keyring package, where it is installed and has a place that is really kept."""
    try:
        import keyring
        from keyring.backends import fail, null
    except ImportError:
        return None
    backend = keyring.get_keyring()
    return None if isinstance(backend, fail.Keyring | null.Keyring) else keyring
