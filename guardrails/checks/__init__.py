"""The checks: one module per rule of the guide, one small function per check.

Importing this package imports every rule module, which registers its checks.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in sorted(module.name for module in iter_modules(__path__)):
    import_module(f"{__name__}.{_module}")
