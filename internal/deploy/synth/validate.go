package synth

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Finding is one finding of a template validation.
type Finding struct {
	Severity string // "fatal", "error", "warning", "info" or a custom one
	Text     string
	Rule     string
	Plugin   string
	Path     string // construct path; may be empty
	Fix      string // suggestion of the plugin; may be empty
	Source   string // "file:line" that creates the construct; may be empty
}

// String formats the finding as one line.
func (f Finding) String() string {
	line := fmt.Sprintf("%s (%s)", f.Text, strings.TrimSpace(f.Plugin+" "+f.Rule))
	if f.Path != "" {
		line = f.Path + ": " + line
	}
	if f.Fix != "" {
		line += ": " + f.Fix
	}
	if f.Source != "" {
		line += " (" + f.Source + ")"
	}
	return line
}

// Report is the result of the CDK's validation.
type Report struct {
	Findings []Finding // worst first
	Failed   []string  // plugins that failed the validation
}

// Err returns an error that lists the blocking findings, or nil.
func (r Report) Err() error {
	if len(r.Failed) == 0 {
		return nil
	}
	var lines []string
	for _, f := range r.Blocking() {
		lines = append(lines, "\n  "+f.String())
	}
	return errs.Failedf("the validation of the templates failed (%s):%s", strings.Join(r.Failed, ", "), strings.Join(lines, "")).
		WithHint("fix the app, or acknowledge a rule with Validations.of(construct).acknowledge()")
}

// Blocking returns the findings that stop the deployment.
func (r Report) Blocking() (findings []Finding) {
	for _, f := range r.Findings {
		if slices.Contains(r.Failed, f.Plugin) && f.Severity != "warning" && f.Severity != "info" {
			findings = append(findings, f)
		}
	}
	return findings
}

// EnforcingFlag is the feature flag that turns findings of the CDK's own rules into
// errors.
const EnforcingFlag = "@aws-cdk/core:validateAgainstDefaultRules"

// Enforces reports whether a finding of Validate can stop a deployment. If the flag
// is off, findings of the CDK's rules are warnings, and those of other plugins are
// in the report of the synthesis itself. An app that does not report its flags
// counts as enforcing.
func Enforces(a *assembly.Assembly) bool {
	value, known := a.Flags[EnforcingFlag]
	return !known || value != nil && value != false && value != "false"
}

// Validate synthesizes the app again with the CDK's template validation, which
// takes some seconds longer, and reports on the stacks with the given construct
// paths. It does not bundle or stage assets. With CDK_VALIDATION=false in the
// environment it does nothing, like the CLI.
func Validate(ctx context.Context, o Options, paths []string) (Report, error) {
	if lookup(o.Env, "CDK_VALIDATION") == "false" {
		return Report{}, nil
	}
	out, err := os.MkdirTemp("", "cdk.validate-")
	if err != nil {
		return Report{}, errs.Writing(os.TempDir(), err)
	}
	defer os.RemoveAll(out)
	dir, err := o.run(ctx, out, map[string]any{"aws:cdk:bundling-stacks": []string{}, "aws:cdk:disable-asset-staging": true})
	if err != nil {
		return Report{}, err
	}
	return ReadReport(dir, paths)
}

// Locate sets the source locations of the findings: source returns "file:line" of
// a construct path, or "".
func (r Report) Locate(source func(path string) string) {
	for i := range r.Findings {
		r.Findings[i].Source = source(r.Findings[i].Path)
	}
}

type reportDocument struct {
	Plugins []struct {
		Name       string `json:"pluginName"`
		Conclusion string `json:"conclusion"`
		Metadata   struct {
			Error string `json:"error"`
		} `json:"metadata"`
		Violations []struct {
			Rule       string `json:"ruleName"`
			Text       string `json:"description"`
			Severity   string `json:"severity"`
			Custom     string `json:"customSeverity"`
			Fix        string `json:"suggestedFix"`
			Constructs []struct {
				Path string `json:"constructPath"`
			} `json:"violatingConstructs"`
		} `json:"violations"`
	} `json:"pluginReports"`
}

// ReadReport reads the validation report in an assembly, with the findings of the
// stacks with the given construct paths and those without a construct. A missing
// report has no findings.
func ReadReport(dir string, paths []string) (Report, error) {
	var doc reportDocument
	if err := readOptional(dir, filepath.Join(dir, "validation-report.json"), &doc); err != nil {
		return Report{}, err
	}
	var report Report
	for _, plugin := range doc.Plugins {
		before := len(report.Findings)
		for _, v := range plugin.Violations {
			found := Finding{Severity: v.Severity, Text: v.Text, Rule: v.Rule, Plugin: plugin.Name, Fix: v.Fix}
			if v.Severity == "custom" && v.Custom != "" {
				found.Severity = v.Custom
			}
			if len(v.Constructs) == 0 {
				report.Findings = append(report.Findings, found)
			}
			for _, construct := range v.Constructs {
				if found.Path = construct.Path; concerns(construct.Path, paths) {
					report.Findings = append(report.Findings, found)
				}
			}
		}
		if len(plugin.Violations) == 0 && plugin.Metadata.Error != "" {
			report.Findings = append(report.Findings, Finding{Severity: "error", Text: plugin.Metadata.Error, Plugin: plugin.Name})
		}
		if plugin.Conclusion == "failure" && len(report.Findings) > before {
			report.Failed = append(report.Failed, plugin.Name)
		}
	}
	slices.SortStableFunc(report.Findings, func(a, b Finding) int { return rank(a.Severity) - rank(b.Severity) })
	return report, nil
}

func concerns(construct string, paths []string) bool {
	return construct == "" || slices.ContainsFunc(paths, func(path string) bool {
		return construct == path || strings.HasPrefix(construct, path+"/")
	})
}

func rank(severity string) int {
	order := []string{"fatal", "error", "warning", "info"}
	if at := slices.Index(order, severity); at >= 0 {
		return at
	}
	return len(order)
}
