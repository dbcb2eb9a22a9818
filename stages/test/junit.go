package test

import (
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/aphex/aphex-pipeline/internal/limits"
)

// Limits for the reports, which the user's tests write.
const (
	maxReportBytes = 32 << 20
	maxAllBytes    = 128 << 20
	maxReports     = 1000
	maxDepth       = 1000 // of elements inside each other
	maxFailed      = 100  // names of failed tests that a report keeps
	maxNameBytes   = 200  // of the name of a test
)

// Totals counts test cases.
type Totals struct {
	Tests    int `json:"tests"`
	Failures int `json:"failures"`
	Errors   int `json:"errors"`
	Skipped  int `json:"skipped"`
}

func (t *Totals) add(other Totals) {
	t.Tests += other.Tests
	t.Failures += other.Failures
	t.Errors += other.Errors
	t.Skipped += other.Skipped
}

// Report is one JUnit XML file.
type Report struct {
	Path string `json:"path"` // relative to the workspace, with slashes
	Totals
	Failed []string `json:"failed,omitempty"` // names of the tests that failed, the first 100
}

// notSearched are the folders in which nobody looks for reports: installed packages and version control.
var notSearched = []string{"node_modules", ".git"}

// tick is how far the time of a file may be behind the clock: Linux stamps files with the
// time of its last tick, 10 ms ago at most.
const tick = 20 * time.Millisecond

// collect finds the JUnit reports below dir that were written since a time. It
// skips installed packages and version control.
func collect(dir string, since time.Time, mask func(string) string) ([]Report, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	reports := []Report{}
	workspace, read := limits.Workspace().Meter(math.MaxInt64), limits.Budget{Bytes: maxAllBytes, Free: maxAllBytes}.Meter(0)
	err = fs.WalkDir(root.FS(), ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case workspace.Entries(1) != nil:
			return fs.SkipAll
		case entry.IsDir() && slices.Contains(notSearched, entry.Name()):
			return fs.SkipDir
		case !entry.Type().IsRegular() || !strings.EqualFold(path.Ext(file), ".xml"):
			return nil
		}
		info, err := entry.Info()
		if err != nil || info.ModTime().Before(since.Add(-tick)) || info.Size() > maxReportBytes {
			return nil
		}
		if len(reports) == maxReports || read.Bytes(info.Size()) != nil {
			return fs.SkipAll
		}
		if report, err := readReport(root, file, mask); err == nil {
			reports = append(reports, report)
		}
		return nil
	})
	return reports, err
}

func readReport(root *os.Root, name string, mask func(string) string) (Report, error) {
	file, err := limits.OpenIn(root, name)
	if err != nil {
		return Report{}, err
	}
	defer file.Close()
	report, err := parse(io.LimitReader(file, maxReportBytes), mask)
	report.Path = name
	return report, err
}

var (
	errNoReport = errors.New("the root element is neither testsuites nor testsuite")
	errTooDeep  = errors.New("too many elements inside each other")
)

// parse reads a JUnit report. It counts the cases themselves, as some writers omit
// the attributes of the suites.
func parse(r io.Reader, mask func(string) string) (Report, error) {
	var report Report
	name, failed := "", false // of the current test case
	decoder := xml.NewDecoder(r)
	depth := 0
	for root := true; ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && !root {
			return report, nil
		}
		if err != nil {
			return report, err
		}
		if _, ends := token.(xml.EndElement); ends {
			depth--
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if depth++; depth > maxDepth {
			return report, errTooDeep
		}
		if root && start.Name.Local != "testsuites" && start.Name.Local != "testsuite" {
			return report, errNoReport
		}
		root = false
		switch start.Name.Local {
		case "testcase":
			report.Tests++
			name, failed = nameOf(start, mask), false
		case "failure":
			report.Failures++
			failed = report.fail(name, failed)
		case "error":
			report.Errors++
			failed = report.fail(name, failed)
		case "skipped":
			report.Skipped++
		}
	}
}

// fail adds the name of a failed test, once.
func (r *Report) fail(name string, known bool) bool {
	if !known && len(r.Failed) < maxFailed {
		r.Failed = append(r.Failed, name)
	}
	return true
}

// nameOf returns the class name and the name of a test case, as in its report.
func nameOf(testcase xml.StartElement, mask func(string) string) string {
	var class, name string
	for _, attribute := range testcase.Attr {
		switch attribute.Name.Local {
		case "classname":
			class = attribute.Value
		case "name":
			name = attribute.Value
		}
	}
	text := strings.Join(strings.FieldsFunc(mask(class+" "+name), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if len(text) > maxNameBytes {
		text = strings.ToValidUTF8(text[:maxNameBytes], "") + "…"
	}
	return cmp.Or(text, "a test without a name")
}
