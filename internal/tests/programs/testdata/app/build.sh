#!/bin/sh
# Leaves an artifact.
set -e
mkdir -p artifacts
echo "built $COMMIT_SHA" > artifacts/build.txt
