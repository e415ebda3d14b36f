"""What the functions of the specs in tests do."""


def append_a(text: str) -> str:
    return text + ">a"


def append_b(text: str) -> str:
    return text + ">b"


def append_c(text: str) -> str:
    return text + ">c"


def boom(text: str) -> str:
    raise RuntimeError(f"boom {text}")
