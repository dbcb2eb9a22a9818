package buildkit

import (
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/buildkit/session/secrets/secretsprovider"

	"github.com/aphex/aphex-pipeline/internal/limits"
)

// secrets reads the secrets of the build: files of its folders, and variables that its
// commands have. Those of this program are not among them.
func (r *request) secrets() map[string][]byte {
	all := map[string][]byte{}
	for _, id := range slices.Sorted(maps.Keys(r.image.Options.Secrets)) {
		source := r.image.Options.Secrets[id]
		value, err := r.secret(id, source)
		if err != nil {
			r.refuse("dockerBuildSecrets", id+","+source, err.Error())
			continue
		}
		r.image.Mask.Add(strings.TrimSpace(string(value)))
		all[id] = value
	}
	return all
}

// secret reads one secret, which docker gets as --secret id=ID,SOURCE.
func (r *request) secret(id, source string) ([]byte, error) {
	entries, err := fields(source)
	if err != nil {
		return nil, err
	}
	file, variable, kind := "", "", ""
	for _, entry := range entries {
		key, value, _ := strings.Cut(entry, "=")
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "type":
			kind = value
		case "src", "source":
			file = value
		case "env":
			variable = value
		default:
			return nil, fmt.Errorf("%q is unknown; write src=FILE or env=NAME", key)
		}
	}
	switch {
	case kind == "env" && variable == "": // src names the variable then
		variable, file = file, ""
	case file == "" && variable == "":
		if value, found := r.variable(id); found && kind != "file" {
			return []byte(value), nil
		}
		file = id
	}
	if variable != "" {
		value, found := r.variable(variable)
		if !found {
			return nil, fmt.Errorf("the environment of the build has no variable %s", variable)
		}
		return []byte(value), nil
	}
	known, name, found := find(r.image.Folders, r.image.Options.Dir, file)
	if !found {
		return nil, outside(file)
	}
	value, err := limits.ReadWithin(known.Path, filepath.Join(known.Path, name), secretsprovider.MaxSecretSize)
	if errors.Is(err, limits.ErrExceeded) {
		return nil, fmt.Errorf("%s is larger than the %s of a secret", file, limits.Size(secretsprovider.MaxSecretSize))
	}
	return value, err
}

// variable returns a variable of the build's commands.
func (r *request) variable(name string) (value string, found bool) {
	for _, entry := range r.image.Env {
		if given, is := strings.CutPrefix(entry, name+"="); is {
			value, found = given, true
		}
	}
	return value, found
}

// fields splits a list such as "type=local,dest=out".
func fields(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	entries, err := csv.NewReader(strings.NewReader(text)).Read()
	if err != nil {
		return nil, fmt.Errorf("it cannot be read as a list: %w", err)
	}
	return entries, nil
}
