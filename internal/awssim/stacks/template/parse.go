package template

import (
	"bytes"
	"fmt"
)

// Parse reads and checks a template. What starts with a brace is JSON, all
// else YAML.
func Parse(body string) (*Template, error) {
	src := bytes.TrimSpace([]byte(body))
	read := fromYAML
	if bytes.HasPrefix(src, []byte("{")) {
		read = fromJSON
	}
	raw, err := read([]byte(body))
	if err != nil {
		return nil, err
	}
	root, ok := raw.(map[string]any)
	if !ok {
		return nil, formatf("unsupported structure.")
	}
	if err := refuseNull(root, ""); err != nil {
		return nil, err
	}
	t, err := fromSections(root)
	if err != nil {
		return nil, err
	}
	return t, t.check()
}

// refuseNull finds null values, which no template may have.
func refuseNull(value any, path string) error {
	switch v := value.(type) {
	case nil:
		return formatf("[%s] 'null' values are not allowed in templates", path)
	case []any:
		for i, item := range v {
			if err := refuseNull(item, fmt.Sprintf("%s/%d", path, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, key := range sortedKeys(v) {
			if err := refuseNull(v[key], path+"/"+key); err != nil {
				return err
			}
		}
	}
	return nil
}
