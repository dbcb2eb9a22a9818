package test

import (
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Bounds of what is gathered: reports are written by the user's tests.
const (
	maxReportBytes = 32 << 20
	maxReports     = 1000
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
}

// gather finds the JUnit reports below dir that were written since a time.
// Installed packages and version control hold none of ours.
func gather(dir string, since time.Time) ([]Report, error) {
	var reports []Report
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git"):
			return filepath.SkipDir
		case !entry.Type().IsRegular() || !strings.EqualFold(filepath.Ext(path), ".xml"):
			return nil
		}
		report, ok := read(dir, path, since)
		if ok {
			reports = append(reports, report)
		}
		if len(reports) == maxReports {
			return filepath.SkipAll
		}
		return nil
	})
	return reports, err
}

func read(dir, path string, since time.Time) (Report, bool) {
	info, err := os.Stat(path)
	if err != nil || info.ModTime().Before(since) || info.Size() > maxReportBytes {
		return Report{}, false
	}
	file, err := os.Open(path)
	if err != nil {
		return Report{}, false
	}
	defer file.Close()
	totals, err := count(io.LimitReader(file, maxReportBytes))
	if err != nil {
		return Report{}, false
	}
	relative, err := filepath.Rel(dir, path)
	return Report{Path: filepath.ToSlash(relative), Totals: totals}, err == nil
}

var errNoReport = errors.New("the root element is neither testsuites nor testsuite")

// count counts the test cases of a JUnit report. The cases themselves are
// counted, not the attributes of their suites, which some writers leave out.
func count(r io.Reader) (Totals, error) {
	var totals Totals
	decoder := xml.NewDecoder(r)
	for root := true; ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && !root {
			return totals, nil
		}
		if err != nil {
			return totals, err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if root && start.Name.Local != "testsuites" && start.Name.Local != "testsuite" {
			return totals, errNoReport
		}
		root = false
		totals.element(start.Name.Local)
	}
}

func (t *Totals) element(name string) {
	switch name {
	case "testcase":
		t.Tests++
	case "failure":
		t.Failures++
	case "error":
		t.Errors++
	case "skipped":
		t.Skipped++
	}
}
