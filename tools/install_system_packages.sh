#!/usr/bin/env bash
# Installs what the tests need and pip cannot: a Chromium for the report, a font that has Chinese in it, Java, Maven and
# openssl for a Kafka broker, and PostgreSQL. Does nothing where all are there. Exit 3: some are missing, and cannot be
# installed.
set -euo pipefail

packages=()
if ! command -v chromium chromium-browser google-chrome google-chrome-stable >/dev/null; then
  packages+=(chromium)
fi
# Without one Chinese text is a row of boxes: no test fails, but nobody can look at the report.
if ! fonts=$(fc-list :lang=zh 2>/dev/null) || [ -z "$fonts" ]; then
  packages+=(fonts-noto-cjk)
fi
for program in java:default-jre-headless mvn:maven openssl:openssl; do
  command -v "${program%%:*}" >/dev/null || packages+=("${program#*:}")
done
# Debian keeps its programs off the PATH.
installed=("${POSTGRES_HOMES:-/usr/lib/postgresql}"/*/bin/postgres)
if ! command -v postgres >/dev/null && [ ! -x "${installed[0]}" ]; then
  packages+=(postgresql)
fi
[ ${#packages[@]} -eq 0 ] && exit 0

remedy="apt-get install ${packages[*]}"
if ! command -v apt-get >/dev/null; then
  echo "The tests need ${packages[*]}, and there is no apt-get here: install them as this system does." >&2
  exit 3
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "The tests need ${packages[*]}: ask somebody who may to run: $remedy" >&2
  exit 3
fi
echo "Installing ${packages[*]} for the tests."
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null; }; then
  echo "They could not be installed; see above, then run: $remedy" >&2
  exit 3
fi
