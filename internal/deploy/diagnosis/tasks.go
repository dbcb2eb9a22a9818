package diagnosis

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

const (
	// maxTasks limits the tasks that are described in one call.
	maxTasks = 100
)

// stoppedTasks returns why the last tasks of a service stopped. ECS shows stopped tasks for
// about an hour, also those of a service that a rollback has deleted since.
func (e Eyes) stoppedTasks(ctx context.Context, s Subject) Finding {
	cluster, service := serviceOf(s.PhysicalID)
	if service == "" {
		return Finding{}
	}
	found := Finding{Source: "stopped tasks of service " + service}
	arns, err := e.listStopped(ctx, cluster, service)
	if err != nil {
		found.Lines = []string{e.unseen("why its tasks stopped", "ecs:ListTasks", err)}
		return found
	}
	if len(arns) == 0 {
		found.Lines = []string{noTasks}
		return found
	}
	described, err := e.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: arns})
	if err != nil {
		found.Lines = []string{e.unseen("why its tasks stopped", "ecs:DescribeTasks", err)}
		return found
	}
	tasks := slices.DeleteFunc(described.Tasks, func(t types.Task) bool { return aws.ToString(t.Group) != "service:"+service })
	slices.SortStableFunc(tasks, func(a, b types.Task) int { return newest(b).Compare(newest(a)) })
	for _, task := range tasks {
		for _, line := range e.taskLines(task) {
			if !slices.Contains(found.Lines, line) && len(found.Lines) < maxLines {
				found.Lines = append(found.Lines, line)
			}
		}
	}
	if more := len(tasks) - 1; more > 0 && len(found.Lines) > 0 {
		found.Lines = append(found.Lines, fmt.Sprintf("%d tasks of the service stopped", len(tasks)))
	}
	if found.Lines == nil {
		found.Lines = []string{noTasks}
	}
	return found
}

const noTasks = "ECS shows none: it keeps stopped tasks for about an hour"

// listStopped lists the stopped tasks of a service, or of its cluster if the service is gone.
func (e Eyes) listStopped(ctx context.Context, cluster, service string) ([]string, error) {
	input := &ecs.ListTasksInput{Cluster: &cluster, ServiceName: &service, DesiredStatus: types.DesiredStatusStopped, MaxResults: aws.Int32(maxTasks)}
	listed, err := e.ECS.ListTasks(ctx, input)
	gone := slices.Contains([]string{"ServiceNotFoundException", "ServiceNotActiveException"}, errs.Code(err))
	if gone || err == nil && len(listed.TaskArns) == 0 {
		input.ServiceName = nil
		listed, err = e.ECS.ListTasks(ctx, input)
	}
	if err != nil {
		return nil, err
	}
	return listed.TaskArns, nil
}

func newest(t types.Task) time.Time {
	return aws.ToTime(cmp.Or(t.StoppedAt, t.StoppingAt, t.CreatedAt))
}

// taskLines describes why a task stopped, without what distinguishes it from others.
func (e Eyes) taskLines(task types.Task) (lines []string) {
	if reason := shortened(e.masked(aws.ToString(task.StoppedReason))); reason != "" {
		lines = append(lines, fmt.Sprintf("task stopped: %s", withCode(reason, string(task.StopCode))))
	}
	for _, c := range task.Containers {
		why := shortened(e.masked(aws.ToString(c.Reason)))
		if c.ExitCode != nil && *c.ExitCode != 0 {
			why = strings.TrimPrefix(fmt.Sprintf("%s, exit code %d", why, *c.ExitCode), ", ")
		}
		if why != "" {
			lines = append(lines, fmt.Sprintf("container %s: %s", aws.ToString(c.Name), why))
		}
	}
	return lines
}

func withCode(reason, code string) string {
	if code == "" {
		return reason
	}
	return reason + " (" + code + ")"
}

// serviceOf returns the cluster and the name of a service of its ARN or its name.
func serviceOf(physicalID string) (cluster, service string) {
	_, path, isARN := strings.Cut(physicalID, ":service/")
	if !isARN {
		path = physicalID
	}
	parts := strings.Split(path, "/")
	if len(parts) < 2 {
		return "default", path
	}
	return parts[len(parts)-2], parts[len(parts)-1]
}
