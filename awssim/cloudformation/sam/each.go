package sam

// each copies a value with every item of a list, or every member of an object,
// replaced by what change makes of it; any other value stays as it is.
func each(value any, change func(any) any) any {
	switch v := value.(type) {
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = change(item)
		}
		return list
	case map[string]any:
		members := make(map[string]any, len(v))
		for key, member := range v {
			members[key] = change(member)
		}
		return members
	}
	return value
}
