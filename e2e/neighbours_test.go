package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOneOfTwoPipelinesIsDeletedAndTheOtherKeepsWorking(t *testing.T) {
	leaving, staying := newSmall(t, "leaving", oneEnvironment), newSmall(t, "staying", oneEnvironment)
	both := map[*pipeline]string{leaving: leaving.push("Open"), staying: staying.push("Open")}
	for p, commit := range both {
		run := p.finished(commit)
		require.Equal(t, "Succeeded", run.Status.Phase, run.Status.Message)
	}
	require.NotEmpty(t, leaving.objects())
	kept := staying.objects()

	leaving.generator("delete", "--aws", "--bucket", "--yes")
	leaving.eventually("everything of the pipeline to be gone", limit, func() bool { return len(leaving.objects()) == 0 })
	assert.Equal(t, kept, staying.objects())
	bucket := "leaving-artifacts"
	_, err := s3.NewFromConfig(leaving.admin(home, homeRegion)).HeadBucket(leaving.ctx, &s3.HeadBucketInput{Bucket: &bucket})
	require.ErrorContains(t, err, "NotFound")
	run := staying.finished(staying.push("Still here"))
	assert.Equal(t, "Succeeded", run.Status.Phase, run.Status.Message)
}

// objects returns all objects of a pipeline in the cluster, of any kind, by name or by
// label, except for events, which Kubernetes deletes after an hour.
func (p *pipeline) objects() []string {
	p.t.Helper()
	kinds := strings.Fields(p.kubectl("api-resources", "--verbs=list", "--output=name"))
	asked := slices.DeleteFunc(kinds, func(kind string) bool { return kind == "events" || kind == "events.events.k8s.io" })
	const row = `{range .items[*]}{.kind}/{.metadata.name} {.metadata.labels}{"\n"}{end}`
	var found []string
	for _, line := range strings.Split(p.kubectl("get", strings.Join(asked, ","), "--all-namespaces", "--output=jsonpath="+row), "\n") {
		if strings.Contains(line, p.name) {
			name, _, _ := strings.Cut(line, " ")
			found = append(found, name)
		}
	}
	return found
}
