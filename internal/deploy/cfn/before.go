package cfn

import "context"

// readBefore reads the template that a change set replaces, unless comparing it has. Without
// it, nothing is known of what the change allows, and the deployment goes on.
func (d *deployment) readBefore(ctx context.Context) {
	switch {
	case !isUpdate(d.before):
		d.result.Before = []byte{}
	case d.result.Before == nil:
		_, _ = d.templateOf(ctx, d.before)()
	}
}
