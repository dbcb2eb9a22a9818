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

// excerpt returns what is behind the cause of a stack's failure, and the events around it; an
// arrow marks the cause. Other errors have none.
func excerpt(t target, err error) (lines []string) {
	var failed *cfn.Failure
	if !errors.As(err, &failed) {
		return nil
	}
	for _, detail := range failed.Behind {
		lines = append(lines, detail.Source+":")
		for _, line := range detail.Lines {
			lines = append(lines, "  "+line)
		}
	}
	if len(failed.Around) == 0 {
		return lines
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
	text := e.Reason
	if e.Hook != "" {
		text = strings.TrimSpace(fmt.Sprintf("hook %s: %s %s", e.Hook, e.HookStatus, e.HookReason))
	}
	reason := []rune(errs.OneLine(text))
	if len(reason) > maxReason {
		reason = append(reason[:maxReason], '…')
	}
	return strings.TrimRight(line+"  "+string(reason), " ")
}
