package deploy

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// maxReason bounds the reason in a line of a story, in characters.
const maxReason = 200

// story tells in a few lines what happened around the cause of a stack's
// failure; an arrow points at the cause. An error of another kind has none.
func excerpt(t target, err error) (lines []string) {
	var failed *cfn.Failure
	if !errors.As(err, &failed) || len(failed.Around) == 0 {
		return nil
	}
	lines = append(lines, "what happened in "+t.name+" around that:")
	for _, event := range failed.Around {
		mark := "  "
		if event.ID == failed.Cause.ID {
			mark = "→ "
		}
		lines = append(lines, mark+eventLine(t, event))
	}
	return lines
}

// eventLine gives an event as one line for a person.
func eventLine(t target, e cfn.ResourceEvent) string {
	line := fmt.Sprintf("%s  %-26s %s (%s)", e.Time.Local().Format(time.TimeOnly), e.Status, resourceName(t, e), e.Type)
	reason := []rune(errs.OneLine(e.Reason))
	if len(reason) > maxReason {
		reason = append(reason[:maxReason], '…')
	}
	return strings.TrimRight(line+"  "+string(reason), " ")
}
