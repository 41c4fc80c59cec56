#!/usr/bin/env python3
"""Makes the PTX of the kernels with NVRTC, on a machine without a GPU and without a toolkit.

usage: shaders/cuda/ptx.py            writes shaders/cuda/*.sm80.ptx.gz and *.sm90.ptx.gz
       shaders/cuda/ptx.py --check    only says whether they belong to the sources

NVRTC comes from PyPI (24 MB, once, below target/nvrtc); NVRTC=path/to/libnvrtc.so.12 names one that is
there. Its version decides which drivers can run the PTX: 12.4 writes PTX 8.4, which needs a driver of
CUDA 12.4 or newer (550 on). Each file begins with the hash of what it was made of; a test compares it.
"""
import ctypes
import glob
import gzip
import hashlib
import os
import subprocess
import sys
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
WHEEL = 'nvidia-cuda-nvrtc-cu12==12.4.127'
# Module: source and definitions. A model loads only the products of its own format.
MODULES = {
    'decoder': ('decoder.cu', []),
    'choose': ('choose.cu', []),
    'repack': ('repack.cu', []),
    'product_q4': ('product.cu', ['-DFORMAT=Q4']),
    'product_q4_lean': ('product.cu', ['-DFORMAT=Q4Lean']),
    'product_q8': ('product.cu', ['-DFORMAT=Q8']),
    'product_half': ('product.cu', ['-DFORMAT=Half']),
    'movq': ('movq.cu', []),
}
HEADERS = ['common.cuh', 'step.cuh', 'movq_conv.cuh']
ARCHITECTURES = {'sm80': 'compute_80', 'sm90': 'compute_90'}
OPTIONS = ['--std=c++17']


def read(name):
    with open(os.path.join(HERE, name), 'rb') as file:
        return file.read()


def digest(source, definitions):
    parts = [read(source)] + [read(name) for name in HEADERS] + [' '.join(definitions + OPTIONS).encode()]
    return hashlib.sha256(b'\0'.join(parts)).hexdigest()


def nvrtc():
    named = os.environ.get('NVRTC')
    if not named:
        folder = os.path.join(HERE, '..', '..', 'target', 'nvrtc')
        found = glob.glob(os.path.join(folder, 'nvidia', 'cuda_nvrtc', 'lib', 'libnvrtc.so.12'))
        if not found:
            os.makedirs(folder, exist_ok=True)
            subprocess.run([sys.executable, '-m', 'pip', 'download', '-q', '--no-deps', '--only-binary=:all:', '-d', folder, WHEEL], check=True)
            for wheel in glob.glob(os.path.join(folder, '*.whl')):
                zipfile.ZipFile(wheel).extractall(folder)
            found = glob.glob(os.path.join(folder, 'nvidia', 'cuda_nvrtc', 'lib', 'libnvrtc.so.12'))
        named = found[0]
        builtins = glob.glob(os.path.join(os.path.dirname(named), 'libnvrtc-builtins.so*'))
        ctypes.CDLL(builtins[0], mode=ctypes.RTLD_GLOBAL)
    return ctypes.CDLL(named)


def compile_ptx(library, source, definitions, architecture):
    program = ctypes.c_void_p()

    def ok(code, what):
        if code == 0:
            return
        size = ctypes.c_size_t()
        library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        library.nvrtcGetProgramLog(program, log)
        sys.exit(f'{what}: error {code}\n{log.value.decode()}')

    texts = (ctypes.c_char_p * len(HEADERS))(*[read(name) for name in HEADERS])
    names = (ctypes.c_char_p * len(HEADERS))(*[name.encode() for name in HEADERS])
    ok(library.nvrtcCreateProgram(ctypes.byref(program), read(source), source.encode(), len(HEADERS), texts, names), source)
    options = [f'--gpu-architecture={architecture}'.encode()] + [option.encode() for option in OPTIONS + definitions]
    ok(library.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options)), source)
    size = ctypes.c_size_t()
    ok(library.nvrtcGetPTXSize(program, ctypes.byref(size)), source)
    text = ctypes.create_string_buffer(size.value)
    ok(library.nvrtcGetPTX(program, text), source)
    return text.value


def main():
    check = sys.argv[1:] == ['--check']
    stale, library = [], None
    for module, (source, definitions) in MODULES.items():
        head = f'// made of {source} by ptx.py, sha256 {digest(source, definitions)}\n'.encode()
        for short, architecture in ARCHITECTURES.items():
            path = os.path.join(HERE, f'{module}.{short}.ptx.gz')
            if os.path.exists(path) and gzip.open(path).readline() == head:
                continue
            stale.append(os.path.basename(path))
            if check:
                continue
            library = library or nvrtc()
            text = head + compile_ptx(library, source, definitions, architecture)
            with open(path, 'wb') as file:
                file.write(gzip.compress(text, 9, mtime=0))
            print(f'{os.path.basename(path)}: {len(text)} bytes, {os.path.getsize(path)} packed', flush=True)
    if check and stale:
        sys.exit('not made of the present sources: ' + ', '.join(stale) + ' (run shaders/cuda/ptx.py)')


main()
