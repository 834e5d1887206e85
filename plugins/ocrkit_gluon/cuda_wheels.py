"""Lets ``mxnet-cu112`` find the CUDA 11 libraries that the ``nvidia-*-cu11`` wheels bring."""

import ctypes
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

# In the order in which they need each other.
_LIBRARIES = (
    "cuda_runtime/lib/libcudart.so.11.0",
    "cublas/lib/libcublasLt.so.11",
    "cublas/lib/libcublas.so.11",
    "cuda_nvrtc/lib/libnvrtc.so.11.2",
    "cudnn/lib/libcudnn.so.8",
    "cufft/lib/libcufft.so.10",
    "curand/lib/libcurand.so.10",
    "cusolver/lib/libcusolver.so.11",
    "nccl/lib/libnccl.so.2",
    "nvtx/lib/libnvToolsExt.so.1",
)


def preload() -> None:
    """Loads the wheels' libraries for the whole process, so that MXNet's own library binds to them.

    Does nothing for MXNet's CPU build. Libraries that no wheel brings are left to the system's
    loader.
    """
    try:
        distribution("mxnet-cu112")
    except PackageNotFoundError:
        return
    spec = find_spec("nvidia")
    for root in [Path(folder) for folder in spec.submodule_search_locations or ()] if spec else []:
        for library in _LIBRARIES:
            if (root / library).is_file():
                ctypes.CDLL(str(root / library), mode=ctypes.RTLD_GLOBAL)
