"""The two decorators of all kernels, and where their machine code is kept.

``_nrt=False`` switches numba's reference counting off: kernels allocate nothing, and counting references
on some sixty arrays in every inner call took two thirds of the time (docs/solver/experiments.md). Inner
functions are inlined by LLVM and get no wrapper for Python, which divides the compile time by four.

Numba would optimise each inner function with all it calls and turn it into machine code, and the same again
for each caller up to the entry. Here only the entry is optimised and becomes machine code, with everything in
it. This leans on numba's inside (a pipeline with another lowering pass, as its documentation of custom
pipelines shows, and a library that ends early), so numba's version is locked.

Numba compares every index with zero, because in Python a negative one counts from the end. Kernels never use one
(a test runs them with numba's own bounds checks), and without the comparisons they are a quarter to a third faster.

Numba's cache looks at one source file per function and would keep an old caller when only a callee in
another file changed, and is blind to the constants of a variant. The cache folder is therefore named by a
digest over all kernel sources and by the variant.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
from numba.core import codegen
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering
from numba.cpython import slicing

from .features import NAME, PAIR, RICH


def _digest() -> str:
    """Return a digest of all kernel sources and of numba's version."""
    total = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


def _cache_root() -> Path:
    """Return ``NUMBA_CACHE_DIR`` if set, else a folder in the user's cache, else one for temporary files."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    for folder in (Path(base) / "cunda" / "numba", Path(tempfile.gettempdir()) / f"cunda-numba-{os.getuid()}"):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            state = folder.stat()
        except OSError:
            continue
        # Machine code is run from here: nobody else may have put it there.
        mine = state.st_uid == os.getuid() and not state.st_mode & 0o022
        if mine and os.access(folder, os.W_OK):
            return folder
    return Path(tempfile.mkdtemp(prefix="cunda-numba-"))


CACHE_FOLDER = _cache_root() / f"kernels-{_digest()}" / NAME


@contextmanager
def _indices_as_they_are() -> Iterator[None]:
    """Have numba take indices for granted; it compiles under a lock, so nobody else's code is made meanwhile."""
    checked = slicing.fix_index
    slicing.fix_index = lambda builder, index, size: index
    try:
        yield
    finally:
        slicing.fix_index = checked


class _InnerLibrary(codegen.JITCodeLibrary):
    """The code of one function for its callers: neither optimised as a whole nor turned into machine code."""

    def _optimize_final_module(self) -> None:
        """Leave that to the entry, which holds everything: else each function is optimised once per level above it."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _InnerLowering(NativeLowering):
    """Translates a function that only other kernels call."""

    _name = "inner_lowering"

    def run_pass(self, state: Any) -> bool:
        """Lower as numba does, into a library without machine code, and make it known to the callers."""
        target = state.targetctx
        state.library = _InnerLibrary(target.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        with _indices_as_they_are():
            super().run_pass(state)
        state.library.finalize()
        lowered = state["cr"]
        # numba finds a callee by its entry point, which must be a function of C, but never calls this one.
        key: Any = [].append
        target.insert_user_function(key, lowered.fndesc, [state.library])
        state["cr"] = lowered._replace(cfunc=key)
        return True


class _InnerCompiler(CompilerBase):
    """Numba's own pipeline with the lowering above in place of numba's."""

    def define_pipelines(self) -> list[Any]:
        """Return the one pipeline."""
        pipeline = DefaultPassBuilder.define_nopython_pipeline(self.state)
        pipeline.passes = [(_InnerLowering if it is NativeLowering else it, why) for it, why in pipeline.passes]
        pipeline.finalize()
        return [pipeline]


def _njit(function: Any, **options: Any) -> Any:
    """Compile into our own cache folder without changing numba's setting for others."""
    config: Any = numba.config
    njit: Any = numba.njit
    before = config.CACHE_DIR
    config.CACHE_DIR = str(CACHE_FOLDER)
    try:
        return njit(nogil=True, error_model="numpy", _nrt=False, no_cfunc_wrapper=True, **options)(function)
    finally:
        config.CACHE_DIR = before


def inner(function: Any) -> Any:
    """Compile a function that only other kernels call."""
    return _njit(function, forceinline=True, no_cpython_wrapper=True, pipeline_class=_InnerCompiler)


def apart(function: Any) -> Any:
    """Compile a large function that other kernels call and that is better not copied into each caller."""
    return _njit(function, no_cpython_wrapper=True, pipeline_class=_InnerCompiler)


def heavy(function: Any) -> Any:
    """Compile as :func:`inner` where speed is all, as :func:`apart` in the variants with much code."""
    return apart(function) if RICH or PAIR else inner(function)


def entry(function: Any) -> Any:
    """Compile a function that Python calls."""
    return _njit(function, cache=True)
