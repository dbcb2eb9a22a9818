package deploy

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// maxReason is the longest reason in an event excerpt, in characters.
const maxReason = 200

// excerpt returns the events around the cause of a stack's failure; an arrow
// marks the cause. Other errors have none.
func excerpt(t target, err error) (lines []string) {
	var failed *cfn.Failure
	if !errors.As(err, &failed) || len(failed.Around) == 0 {
		return nil
	}
	lines = append(lines, "events of "+t.name+" around the cause:")
	for _, event := range failed.Around {
		mark := "  "
		if event.ID == failed.Cause.ID {
			mark = "→ "
		}
		lines = append(lines, mark+eventLine(t, event))
	}
	return lines
}

func eventLine(t target, e cfn.ResourceEvent) string {
	line := fmt.Sprintf("%s  %-26s %s (%s)", e.Time.Local().Format(time.TimeOnly), e.Status, resourceName(t, e), e.Type)
	reason := []rune(errs.OneLine(e.Reason))
	if len(reason) > maxReason {
		reason = append(reason[:maxReason], '…')
	}
	return strings.TrimRight(line+"  "+string(reason), " ")
}
