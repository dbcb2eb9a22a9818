#!/bin/sh
# Tests a deployment: the output of Api is at hand.
set -e
test "$OUTPUT_API_PARAMETER" = /app/api
grep -q '"Parameter": "/app/api"' "$STACK_OUTPUTS"
mkdir -p reports
echo '<testsuites><testcase name="parameter"/></testsuites>' > reports/check.xml
