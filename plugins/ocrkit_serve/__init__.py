"""A service that reads pictures: REST, and what it takes to run one safely."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_commands(register: Register) -> None:
    register(
        "serve",
        "ocrkit_serve.commands:serve",
        summary="Read pictures that programs send, as a REST service.",
    )
