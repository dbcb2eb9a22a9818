package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/config/scaffold"
)

// looked is what generator init makes of an app, without running it.
type looked struct {
	App    string   `json:"app"`
	Stacks []string `json:"stacks"`
	Reason string   `json:"reason,omitempty"` // why its stacks are not listed
}

// survey inspects every app in the folders and below, as generator init does in the folder of a cdk.json.
func survey(folders []string) (all []looked, err error) {
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && entry.Name() == "node_modules":
				return fs.SkipDir
			case entry.Name() != "cdk.json":
				return nil
			}
			name, err := filepath.Rel(folder, filepath.Dir(file))
			all = append(all, look(filepath.ToSlash(name), filepath.Dir(file)))
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if all == nil {
		return nil, fmt.Errorf("no cdk.json in %q or below", strings.Join(folders, " "))
	}
	return all, nil
}

// look inspects one app.
func look(name, dir string) looked {
	app, err := scaffold.Inspect(dir, "")
	if err == nil {
		_, err = config.Parse("aphex-config.yaml", scaffold.Render(app))
	}
	l := looked{App: name, Stacks: app.Recognised()}
	switch {
	case err != nil:
		l.Reason = shorten(err.Error())
	case l.Stacks == nil:
		l.Reason = "no stack is recognized in the source; the configuration selects every stack"
	}
	return l
}

// printSurvey writes how many apps are recognized, in all and by the first folder of
// their names, and the others by reason.
func (o options) printSurvey(w io.Writer, all []looked) error {
	if o.json {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(all)
	}
	count, recognized, rest := map[string]int{}, map[string]int{}, map[string][]string{}
	total := 0
	for _, l := range all {
		first, _, _ := strings.Cut(l.App, "/")
		count[first]++
		if l.Reason != "" {
			rest[l.Reason] = append(rest[l.Reason], l.App)
			continue
		}
		recognized[first]++
		total++
	}
	var text strings.Builder
	fmt.Fprintf(&text, "generator init recognizes the stacks of %d of %d apps\n", total, len(all))
	for _, first := range slices.Sorted(maps.Keys(count)) {
		fmt.Fprintf(&text, "  %s: %d of %d\n", first, recognized[first], count[first])
	}
	for _, reason := range slices.Sorted(maps.Keys(rest)) {
		fmt.Fprintf(&text, "%s:\n  %s\n", reason, strings.Join(rest[reason], "\n  "))
	}
	_, err := io.WriteString(w, text.String())
	return err
}
