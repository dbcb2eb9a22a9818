package test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

// TestHostileReportsAreSkipped is T19 and T25 for reports.
func TestHostileReportsAreSkipped(t *testing.T) {
	dir := t.TempDir()
	good := `<testsuites><testsuite><testcase name="a"/></testsuite></testsuites>`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "good.xml"), []byte(good), 0o644))
	deep := "<testsuite>" + strings.Repeat("<a>", 1<<20)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "deep.xml"), []byte(deep), 0o644))
	require.NoError(t, os.Symlink("/dev/zero", filepath.Join(dir, "zero.xml")))
	require.NoError(t, os.Symlink("good.xml", filepath.Join(dir, "link.xml")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe.xml"), 0o600))
	large, err := os.Create(filepath.Join(dir, "large.xml"))
	require.NoError(t, err)
	require.NoError(t, large.Truncate(maxReportBytes+1))
	require.NoError(t, large.Close())
	reports, err := collect(dir, time.Now().Add(-time.Hour), redact.New().String)
	require.NoError(t, err)
	require.Len(t, reports, 1)
	assert.Equal(t, Report{Path: "good.xml", Totals: Totals{Tests: 1}}, reports[0])
}

// The kernel stamps a file with the time of its last tick: a report may seem older than the
// command that wrote it.
func TestAReportOfTheFirstMomentIsOfTheseTestsAndAnOlderOneIsNot(t *testing.T) {
	began := time.Now()
	for age, found := range map[time.Duration]int{10 * time.Millisecond: 1, time.Second: 0} {
		dir := t.TempDir()
		file := filepath.Join(dir, "a.xml")
		require.NoError(t, os.WriteFile(file, []byte(`<testsuite><testcase name="a"/></testsuite>`), 0o600))
		require.NoError(t, os.Chtimes(file, began.Add(-age), began.Add(-age)))
		reports, err := collect(dir, began, redact.New().String)
		require.NoError(t, err)
		assert.Len(t, reports, found, age)
	}
}
