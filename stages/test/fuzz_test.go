package test

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzReport holds that no JUnit report makes the parser panic, and that the names that it
// returns can be shown.
func FuzzReport(f *testing.F) {
	f.Add(`<testsuites><testsuite><testcase classname="a" name="b"><failure/></testcase></testsuite></testsuites>`)
	f.Add(`<testsuite><testcase name="x"><skipped/></testcase><testcase><error/></testcase></testsuite>`)
	f.Add(`<!DOCTYPE x [<!ENTITY a "b">]><testsuite>&a;</testsuite>`)
	f.Fuzz(func(t *testing.T, text string) {
		report, err := parse(strings.NewReader(text), strings.Clone)
		if err != nil {
			return
		}
		if len(report.Failed) > maxFailed || report.Tests < 0 {
			t.Errorf("%+v", report)
		}
		for _, name := range report.Failed {
			if len(name) > maxNameBytes+3 || !utf8.ValidString(name) || strings.ContainsAny(name, "\x1b\n\u202e") {
				t.Errorf("the name %q", name)
			}
		}
	})
}
