package stage

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// podFolder exists in the images and contains a pod's outputs.
const podFolder = "/aphex"

// values reads the fields tagged "output": strings as they are, other types as JSON.
func values(output any) (map[string]string, error) {
	v := reflect.Indirect(reflect.ValueOf(output))
	if !v.IsValid() || v.Kind() != reflect.Struct {
		return nil, nil
	}
	found := map[string]string{}
	for _, field := range reflect.VisibleFields(v.Type()) {
		name, ok := field.Tag.Lookup("output")
		if !ok {
			continue
		}
		text, err := textOf(v.FieldByIndex(field.Index))
		if err != nil {
			return nil, fmt.Errorf("encoding output %q: %w", name, err)
		}
		found[name] = text
	}
	return found, nil
}

func textOf(v reflect.Value) (string, error) {
	if v.Kind() == reflect.String {
		return v.String(), nil
	}
	data, err := json.Marshal(v.Interface())
	return string(data), err
}

// prepare creates the folders for outputs and temporary files before the stage
// starts, so that an unusable folder fails at once and not after an hour.
func (c *call) prepare() error {
	if err := os.MkdirAll(os.TempDir(), 0o777); err != nil {
		return errs.Invalidf("creating the folder for temporary files %q: %w", os.TempDir(), err).
			WithHint("set TMPDIR to a writable folder")
	}
	if c.common.Outputs == "" {
		if info, err := os.Stat(podFolder); err != nil || !info.IsDir() {
			return nil
		}
		c.common.Outputs = filepath.Join(podFolder, "outputs")
	}
	if err := os.MkdirAll(c.common.Outputs, 0o755); err != nil {
		return errs.Invalidf("creating the outputs folder %q: %w", c.common.Outputs, err).
			WithHint("set --outputs to a writable folder")
	}
	return nil
}

func (c call) writeOutputs(outputs map[string]string) error {
	if c.common.Outputs == "" {
		return nil
	}
	for name, value := range outputs {
		if err := writeFile(filepath.Join(c.common.Outputs, name), value); err != nil {
			return errs.Temporaryf("writing output %q to %q: %w", name, c.common.Outputs, err).
				WithHint("check that the disk has free space and that the folder is writable")
		}
	}
	return nil
}

// writeFile writes a file atomically.
func writeFile(path, value string) error {
	if err := os.WriteFile(path+".part", []byte(value), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}
