package template

import "fmt"

// Parse reads and checks a template. What starts with a brace is JSON, all
// else YAML.
func Parse(body string) (*Template, error) {
	draft, err := ReadDraft(body)
	if err != nil {
		return nil, err
	}
	t, err := fromSections(draft.root)
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
