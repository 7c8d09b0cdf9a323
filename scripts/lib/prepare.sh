# Sourced by the scripts that a person types: installs and builds what is missing. All it says goes to standard error.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 1

need_node() {
  command -v node >/dev/null || { echo "Node 20.3 or newer is needed, and there is no node on the PATH: see https://nodejs.org" >&2; exit 1; }
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 3) ? 0 : 1)' ||
    { echo "Node 20.3 or newer is needed; this is $(node --version)" >&2; exit 1; }
}

# One at a time: two scripts started together must not install over each other.
with_lock() {
  mkdir -p .cache
  if command -v flock >/dev/null; then
    exec 9>.cache/prepare.lock
    flock 9
  fi
  "$@"
  if command -v flock >/dev/null; then exec 9>&-; fi
}

install_and_build() {
  if ! cmp -s package-lock.json node_modules/.installed-lock; then
    echo "Installing dependencies …" >&2
    npm ci --no-audit --no-fund >&2 || { echo "npm could not install the dependencies: what it says above is why; nothing was run" >&2; exit 1; }
    cp package-lock.json node_modules/.installed-lock
  fi
  if [ ! -e dist/.built ] || [ -n "$(find domain workflows activities openstack workers client scripts simulator checker tsconfig*.json package-lock.json -newer dist/.built -print -quit)" ]; then
    echo "Building …" >&2
    npm run --silent build >&2 || { echo "The build failed: what it says above (or dist/bundle.log) is why; nothing was run" >&2; exit 1; }
    touch dist/.built
  fi
}

prepare() {
  need_node
  with_lock install_and_build
}
