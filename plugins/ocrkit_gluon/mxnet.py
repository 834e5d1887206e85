"""The one place that imports MXNet, with what it needs done before and its noise kept from the
user."""

import os
import warnings

from ocrkit.support.machine import processors
from ocrkit.support.parallel import LastingThreads
from ocrkit_gluon import cuda_wheels, numpy_aliases

# MXNet logs its own set-up to standard error; 3 is errors only. cuDNN's auto-tuning would make runs
# differ.
os.environ.setdefault("DMLC_LOG_LEVEL", "3")
os.environ.setdefault("MXNET_CUDNN_AUTOTUNE_DEFAULT", "0")
# For cuDNN and cuBLAS: no TensorFloat-32, whose ten bits of mantissa would read other text. MXNet
# has no switch for it.
os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
# Operators that fall back from oneDNN say so at every run.
os.environ.setdefault("MXNET_STORAGE_FALLBACK_LOG_VERBOSE", "0")

numpy_aliases.set_removed()
cuda_wheels.preload()

# Left to itself MXNet takes half the cores, for hyperthreads that may not be there. Its OpenMP
# library looks at the environment once, while it is loaded, so that the variable is gone again
# before anybody else sees it.
chosen = os.environ.get("OMP_NUM_THREADS")
cores = processors()
os.environ["OMP_NUM_THREADS"] = chosen or str(cores)
BATCHES = 1 if chosen else min(2, cores)
"""Batches that MXNet may work on at a time on a CPU. It computes one operator at a time, with all
threads, unless it is told to; then one batch has work while another waits for the last thread at an
operator's end."""
os.environ.setdefault("MXNET_CPU_WORKER_NTHREADS", str(BATCHES))
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mxnet
finally:
    if chosen is None:
        del os.environ["OMP_NUM_THREADS"]

READING = LastingThreads(BATCHES, "mxnet")
"""The threads that networks are called in: MXNet keeps memory for every thread that ever called it,
megabytes and for good."""

__all__ = ["BATCHES", "READING", "mxnet"]
