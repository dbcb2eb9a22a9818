// Package check checks a configuration as it is written, before it is committed: the file, the files of its
// repository that it names, and the objects that it renders to. It needs no network and starts no program.
package check

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages"
	"github.com/aphex/aphex-pipeline/stages/validation"
)

// Problem is a problem of a configuration.
type Problem struct {
	// Severity is error, which stops a run, or warning.
	Severity validation.Severity `json:"severity"`
	config.Problem
}

// File returns the problems of the configuration in a file, and an empty list for one
// that has none. Their File is the path as given.
func File(file string) []Problem {
	dir, name, err := home(file)
	if err != nil {
		return []Problem{fault(config.Problem{File: file, Message: err.Error()})}
	}
	source, err := config.Read(dir, name)
	if err != nil {
		return renamed(file, err)
	}
	cfg, err := config.Parse(file, source)
	if err != nil {
		return renamed(file, err)
	}
	found := []Problem{}
	for _, finding := range validation.Files(dir, name, cfg.At(name)) {
		message := finding.What
		if finding.Where != name && finding.Check != "policy" { // whose place is that of the problem
			message = finding.Where + ": " + message
		}
		found = append(found, Problem{finding.Severity, config.ProblemAt(file, source, finding.Path, message, finding.Fix)})
	}
	if err := render(cfg, name); err != nil {
		found = append(found, fault(config.Problem{File: file, Message: err.Error(), Hint: errs.HintOf(err)}))
	}
	slices.SortStableFunc(found, func(a, b Problem) int { return a.Line - b.Line })
	return found
}

// home returns the folder of the file's repository, or its own one, and its name there.
func home(file string) (dir, name string, err error) {
	file, err = filepath.Abs(file)
	if err != nil {
		return "", "", err
	}
	dir = filepath.Dir(file)
	if found, err := repository.Around(dir); err == nil {
		dir = found.Top
	}
	name, err = filepath.Rel(dir, file)
	return dir, filepath.ToSlash(name), err
}

// render renders the pipeline and its AWS stack, and forgets them: a cluster and CloudFormation
// refuse what is too large, for example.
func render(cfg *config.Config, name string) error {
	place := plan.PlaceOf(cfg, "", "", name)
	_, err := argo.Render(cfg, stages.Contracts(), place)
	if err == nil {
		_, err = infra.Template(cfg, place)
	}
	return err
}

// renamed returns the problems of a file by the path that it was given with.
func renamed(file string, err error) []Problem {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return []Problem{fault(config.Problem{File: file, Message: err.Error()})}
	}
	var found []Problem
	for _, problem := range problems {
		problem.File = file
		found = append(found, fault(problem))
	}
	return found
}

func fault(problem config.Problem) Problem { return Problem{validation.Error, problem} }

// verdict returns the error for the problems of some files, or nil if all are warnings.
func verdict(files []string, found []Problem) error {
	errors := 0
	for _, problem := range found {
		if problem.Severity == validation.Error {
			errors++
		}
	}
	switch errors {
	case 0:
		return nil
	case 1:
		return errs.Invalidf("1 error in %s", strings.Join(files, ", "))
	}
	return errs.Invalidf("%d errors in %s", errors, strings.Join(files, ", "))
}
