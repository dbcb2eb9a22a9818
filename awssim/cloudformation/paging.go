package cloudformation

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// page cuts a list: what follows the token, and the token of what follows
// then, empty at the end.
func (e *Engine) page(count int, token string) (from, to int, next string, err error) {
	if token != "" {
		if from, err = readToken(token); err != nil || from > count {
			return 0, 0, "", invalidf("The specified NextToken is invalid.")
		}
	}
	to = min(from+e.options.PageSize, count)
	if to < count {
		next = makeToken(to)
	}
	return from, to, next, nil
}

func makeToken(position int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("from " + strconv.Itoa(position)))
}

func readToken(token string) (int, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, err
	}
	position, err := strconv.Atoi(strings.TrimPrefix(string(raw), "from "))
	if err == nil && position < 0 {
		return 0, strconv.ErrRange
	}
	return position, err
}
