package cloudformation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// cloud is an engine with a test host and a real client. Tests
// run it in a bubble of synctest: its time is virtual.
type cloud struct {
	t      *testing.T
	engine *cloudformation.Engine
	cfn    *cfn.Client
	host   *host
}

var home = cloudformation.Scope{Account: "111111111111", Region: "eu-west-1", Partition: "aws"}

func newCloud(t *testing.T, options cloudformation.Options) *cloud {
	t.Helper()
	c := &cloud{t: t, host: newHost()}
	c.start(options)
	return c
}

// start makes the engine. The test closes it at its end, inside the bubble.
func (c *cloud) start(options cloudformation.Options) {
	c.engine = cloudformation.New(c.host, options)
	c.t.Cleanup(c.engine.Close)
	c.cfn = client(c.engine, home)
}

// client is a real CloudFormation client whose calls go straight to the engine.
func client(engine *cloudformation.Engine, scope cloudformation.Scope) *cfn.Client {
	return cfn.New(cfn.Options{
		Region:      scope.Region,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
		HTTPClient:  transport{engine, scope},
		Retryer:     aws.NopRetryer{},
	})
}

// transport is the HTTP in between.
type transport struct {
	engine *cloudformation.Engine
	scope  cloudformation.Scope
}

func (w transport) Do(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, err
	}
	call := &wire.Call{
		Service: "cloudformation", Operation: form.Get("Action"), Region: w.scope.Region, RequestID: "request-1", Form: form, HTTP: r,
		Caller: policy.Caller{Account: w.scope.Account, ARN: "arn:aws:iam::111111111111:user/test"},
		Guard:  func(policy.Question) error { return nil },
	}
	service := w.engine.Service()
	reply, err := service.Run(r.Context(), call)
	if err != nil {
		reply = service.Protocol.Failure(call, err)
	}
	return &http.Response{
		StatusCode: reply.Status, Header: http.Header{"Content-Type": {reply.Type}}, Request: r, Body: io.NopCloser(bytes.NewReader(reply.Body)),
	}, nil
}

// host is the rest of the cloud: maps, and a log of the calls.
type host struct {
	mu         sync.Mutex
	parameters map[string]string
	secrets    map[string]string
	templates  map[string]string
	objects    map[string]bool
	roles      map[string]error
	full       map[string]bool // buckets and repositories, by physical id
	alarms     map[string]bool // whether each is in ALARM
	handlers   map[string]bool // resource types the host has handlers for
	alive      map[string]cloudformation.ResourceRequest
	log        []string
	refuse     func(r cloudformation.ResourceRequest) error
}

func newHost() *host {
	return &host{
		parameters: map[string]string{}, secrets: map[string]string{}, templates: map[string]string{},
		objects: map[string]bool{}, roles: map[string]error{}, handlers: map[string]bool{},
		alive: map[string]cloudformation.ResourceRequest{}, alarms: map[string]bool{},
	}
}

func (h *host) Now() time.Time { return time.Now() }

func (h *host) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *host) Parameter(_ cloudformation.Scope, name string) (string, string, error) {
	if value, ok := h.parameters[name]; ok {
		return value, "String", nil
	}
	return "", "", fmt.Errorf("parameter %s not found", name)
}

func (h *host) Secret(_ cloudformation.Scope, id, key string) (string, error) {
	if value, ok := h.secrets[id+"/"+key]; ok {
		return value, nil
	}
	return "", errors.New("Secrets Manager can't find the specified secret.")
}

func (h *host) Template(_ context.Context, _ cloudformation.Scope, _, url string) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if text, ok := h.templates[url]; ok {
		return []byte(text), nil
	}
	return nil, errors.New("S3 error: Access Denied")
}

func (h *host) CheckRole(_ cloudformation.Scope, _, role string) error { return h.roles[role] }

func (h *host) CheckRead(_, role string, _ cloudformation.Scope, _ string) error {
	return h.roles[role]
}

func (h *host) ObjectExists(_ cloudformation.Scope, bucket, key string) bool {
	return h.objects[bucket+"/"+key]
}

func (h *host) Create(_ context.Context, r cloudformation.ResourceRequest) (cloudformation.Resource, error) {
	id := r.SuggestedID
	if err := h.note("create", r, id); err != nil {
		return cloudformation.Resource{}, err
	}
	return cloudformation.Resource{PhysicalID: id, Attributes: map[string]any{"Arn": "arn:handler:" + id}}, nil
}

func (h *host) Update(_ context.Context, r cloudformation.ResourceRequest) (cloudformation.Resource, error) {
	return cloudformation.Resource{PhysicalID: r.PhysicalID}, h.note("update", r, r.PhysicalID)
}

func (h *host) Delete(_ context.Context, r cloudformation.ResourceRequest) error {
	return h.note("delete", r, r.PhysicalID)
}

func (h *host) HasContent(_ cloudformation.Scope, _, id string) bool { return h.full[id] }

// HasAlarm knows the alarms that a test has given a state.
func (h *host) HasAlarm(_ cloudformation.Scope, arn string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, known := h.alarms[arn]
	return known
}

func (h *host) Alarms(_ cloudformation.Scope, arn string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.alarms[arn]
}

// alarm gives an alarm a state.
func (c *cloud) alarm(arn string, on bool) {
	c.host.mu.Lock()
	c.host.alarms[arn] = on
	c.host.mu.Unlock()
	c.engine.Wake()
}

func (h *host) HasHandler(typ string) bool { return h.handlers[typ] }

// Existing goes by the property Name, with which the tests name their resources.
func (h *host) Existing(_ cloudformation.Scope, typ string, properties map[string]any) (cloudformation.Resource, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, r := range h.alive {
		if r.Type == typ && r.Properties["Name"] == properties["Name"] {
			return cloudformation.Resource{PhysicalID: id}, nil
		}
	}
	return cloudformation.Resource{}, cloudformation.ErrAbsent
}

func (h *host) note(verb string, r cloudformation.ResourceRequest, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse != nil {
		if err := h.refuse(r); err != nil {
			return err
		}
	}
	h.log = append(h.log, verb+" "+r.LogicalID)
	if !h.handlers[r.Type] {
		return cloudformation.ErrGeneric
	}
	if verb == "delete" {
		delete(h.alive, id)
	} else {
		h.alive[id] = r
	}
	return nil
}

// create creates a stack and waits for the end.
func (c *cloud) create(name, body string, more ...func(*cfn.CreateStackInput)) *types.Stack {
	c.t.Helper()
	in := &cfn.CreateStackInput{StackName: &name, TemplateBody: &body, Capabilities: allCapabilities}
	for _, set := range more {
		set(in)
	}
	_, err := c.cfn.CreateStack(c.t.Context(), in)
	require.NoError(c.t, err)
	return c.wait(name)
}

var allCapabilities = []types.Capability{
	types.CapabilityCapabilityIam, types.CapabilityCapabilityNamedIam, types.CapabilityCapabilityAutoExpand,
}

// update updates a stack and waits for the end.
func (c *cloud) update(name, body string, more ...func(*cfn.UpdateStackInput)) *types.Stack {
	c.t.Helper()
	in := &cfn.UpdateStackInput{StackName: &name, TemplateBody: &body, Capabilities: allCapabilities}
	for _, set := range more {
		set(in)
	}
	_, err := c.cfn.UpdateStack(c.t.Context(), in)
	require.NoError(c.t, err)
	return c.wait(name)
}

// remove deletes a stack and waits for the end, by its ARN.
func (c *cloud) remove(name string) *types.Stack {
	c.t.Helper()
	id := c.describe(name).StackId
	_, err := c.cfn.DeleteStack(c.t.Context(), &cfn.DeleteStackInput{StackName: &name})
	require.NoError(c.t, err)
	return c.wait(*id)
}

// wait waits until nothing is in progress any more.
func (c *cloud) wait(name string) *types.Stack {
	c.t.Helper()
	for pause := time.Millisecond; pause < time.Hour; pause += pause/8 + 1 {
		s := c.describe(name)
		if !strings.HasSuffix(string(s.StackStatus), "_IN_PROGRESS") {
			return s
		}
		time.Sleep(pause)
	}
	c.t.Fatalf("stack %s does not come to an end", name)
	return nil
}

func (c *cloud) describe(name string) *types.Stack {
	c.t.Helper()
	out, err := c.cfn.DescribeStacks(c.t.Context(), &cfn.DescribeStacksInput{StackName: &name})
	require.NoError(c.t, err)
	require.Len(c.t, out.Stacks, 1)
	return &out.Stacks[0]
}

// events are all events of a stack, oldest first, as "logical status: reason".
func (c *cloud) events(name string) []string {
	c.t.Helper()
	var lines []string
	for _, ev := range c.rawEvents(name) {
		line := *ev.LogicalResourceId + " " + string(ev.ResourceStatus)
		if reason := aws.ToString(ev.ResourceStatusReason); reason != "" {
			line += ": " + reason
		}
		lines = append(lines, line)
	}
	return lines
}

func (c *cloud) rawEvents(name string) []types.StackEvent {
	c.t.Helper()
	var all []types.StackEvent
	pages := cfn.NewDescribeStackEventsPaginator(c.cfn, &cfn.DescribeStackEventsInput{StackName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.t.Context())
		require.NoError(c.t, err)
		all = append(all, page.StackEvents...)
	}
	slices.Reverse(all)
	return all
}

// resources are the physical ids by logical id.
func (c *cloud) resources(name string) map[string]string {
	c.t.Helper()
	out, err := c.cfn.ListStackResources(c.t.Context(), &cfn.ListStackResourcesInput{StackName: &name})
	require.NoError(c.t, err)
	ids := map[string]string{}
	for _, r := range out.StackResourceSummaries {
		ids[*r.LogicalResourceId] = aws.ToString(r.PhysicalResourceId)
	}
	return ids
}

func outputs(s *types.Stack) map[string]string {
	result := map[string]string{}
	for _, o := range s.Outputs {
		result[*o.OutputKey] = *o.OutputValue
	}
	return result
}

func tags(pairs ...string) []types.Tag {
	var result []types.Tag
	for i := 0; i < len(pairs); i += 2 {
		result = append(result, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return result
}

func parameters(pairs ...string) []types.Parameter {
	var result []types.Parameter
	for i := 0; i < len(pairs); i += 2 {
		result = append(result, types.Parameter{ParameterKey: &pairs[i], ParameterValue: &pairs[i+1]})
	}
	return result
}

// refused asserts that an error has a code and contains a text.
func refused(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode())
	require.Contains(t, api.ErrorMessage(), message)
}

// position finds the first line that starts with a text.
func position(t *testing.T, lines []string, prefix string) int {
	t.Helper()
	i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, prefix) })
	require.GreaterOrEqual(t, i, 0, "no %q in\n%s", prefix, strings.Join(lines, "\n"))
	return i
}
