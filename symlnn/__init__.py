"""symlnn: symbolic and learned mechanics, joined.

The public names stand in `__init__.pyi`; what one of them needs is imported when it is first used.
"""

import lazy_loader

from ._version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
