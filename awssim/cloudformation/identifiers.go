package cloudformation

import (
	"fmt"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/kinds"
)

// newID makes an id that is unique in this engine. The caller holds
// the lock.
func (e *Engine) newID() string {
	e.state.Counter++
	return kinds.UUID(fmt.Sprintf("%d/%d", e.state.Seed, e.state.Counter))
}

func arnOf(scope Scope, kind, name, id string) string {
	return fmt.Sprintf("arn:%s:cloudformation:%s:%s:%s/%s/%s", scope.Partition, scope.Region, scope.Account, kind, name, id)
}

func (s Scope) place() kinds.Place {
	return kinds.Place{Account: s.Account, Region: s.Region, Partition: s.Partition}
}

// domain is that of the partition's services.
func (s Scope) domain() string {
	if s.Partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}
