package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/notify"
	"github.com/aphex/aphex-pipeline/internal/notify/event"
)

// received is what a server got.
type received struct {
	path   string
	header http.Header
	body   []byte
}

// receiver is a server with https that answers with a handler, and what it got.
func receiver(t *testing.T, answer http.HandlerFunc) (server *httptest.Server, got *[]received) {
	t.Helper()
	got = &[]received{}
	server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*got = append(*got, received{r.URL.Path, r.Header, body}) // one request at a time
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server, got
}

func everywhere(netip.Addr) bool { return true }

// poster returns a Poster that trusts the server.
func poster(server *httptest.Server, permitted func(netip.Addr) bool) notify.Poster {
	return notify.TrustingPoster(permitted, server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs)
}

const signingKey = "0123456789abcdef0123456789abcdef"

// clients of targets whose secrets hold the URL of the server.
func clients(server *httptest.Server) notify.Clients {
	return notify.Clients{Poster: poster(server, everywhere), Secret: func(_ context.Context, name string) (string, error) {
		switch name {
		case "url":
			return server.URL + "/T000/SECRET\n", nil
		case "object":
			return `{"url": "` + server.URL + `/T000/SECRET", "secret": "` + signingKey + `"}`, nil
		case "key":
			return signingKey, nil
		}
		return name, nil
	}}
}

func send(t *testing.T, c notify.Clients, n config.Notification, e event.Event) notify.Delivery {
	t.Helper()
	s := notify.Subscriptions([]config.Notification{n}, c)
	s[0].Wants = func(event.Event) bool { return true }
	got := notify.Deliver(t.Context(), s, e, nil)
	require.Len(t, got, 1)
	return got[0]
}

var hostile = "<!channel> <@U1> <https://evil.example|click> &amp; [click](https://evil.example) **x** `y` @here <at>all</at> \"}]"

// failed is a failed run with texts that others wrote.
func failed() event.Event {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	return event.New(event.Finished, "s3://artifacts", at, event.Run{
		Pipeline: "shop", Run: "shop-1", Outcome: event.Failed, Commit: strings.Repeat("a", 40), Branch: hostile, Pusher: hostile, Repository: "https://github.com/my-org/shop.git",
		Created: at.Add(-90 * time.Second), Ended: at, Error: "deploy-prod: " + hostile, Hint: hostile,
		Environments: []event.Environment{{Name: "dev", Outcome: event.Succeeded}, {Name: "prod", Outcome: event.Failed, Error: hostile}},
	})
}

func TestAServerGetsACloudEventThatItCanVerify(t *testing.T) {
	server, got := receiver(t, nil)
	for name, target := range map[string]config.WebhookTarget{
		"by URL": {URL: server.URL + "/in", SigningSecretName: "key"}, "by secret": {SecretName: "url", SigningSecretName: "key"}, "by objects": {SecretName: "object", SigningSecretName: "object"},
	} {
		*got = nil
		e := failed()
		d := send(t, clients(server), config.Notification{Webhook: &target}, e)
		require.True(t, d.Sent, "%s: %s", name, d.Error)
		require.Len(t, *got, 1, name)
		request := (*got)[0]

		var parsed cloudevents.Event
		require.NoError(t, json.Unmarshal(request.body, &parsed), name)
		require.NoError(t, parsed.Validate(), name)
		assert.Equal(t, "application/cloudevents+json; charset=utf-8", request.header.Get("Content-Type"))
		assert.Equal(t, []string{e.ID, string(event.Finished), "s3://artifacts", "shop-1"}, []string{parsed.ID(), parsed.Type(), parsed.Source(), parsed.Subject()})
		var run event.Run
		require.NoError(t, parsed.DataAs(&run))
		assert.Equal(t, e.Data, run)

		verifier, err := standardwebhooks.NewWebhookRaw([]byte(signingKey))
		require.NoError(t, err)
		require.NoError(t, verifier.Verify(request.body, request.header), name)
		require.Error(t, verifier.Verify(append(request.body, ' '), request.header), name)
	}
}

func TestAServerWithoutAKeyGetsNoSignature(t *testing.T) {
	server, got := receiver(t, nil)
	require.True(t, send(t, clients(server), config.Notification{Webhook: &config.WebhookTarget{URL: server.URL}}, failed()).Sent)
	assert.Empty(t, (*got)[0].header.Get("Webhook-Signature"))
	for _, weak := range []string{"short", "whsec_c2hvcnQ=", "whsec_?"} {
		d := send(t, clients(server), config.Notification{Webhook: &config.WebhookTarget{URL: server.URL, SigningSecretName: weak}}, failed())
		assert.Contains(t, d.Error, "its key for signatures", weak)
		assert.NotContains(t, d.Error+d.Hint, weak)
	}
	assert.Len(t, *got, 1)
}

func TestSlackEvaluatesNothingThatOthersWrote(t *testing.T) {
	server, got := receiver(t, nil)
	long := failed()
	long.Data.Error, long.Data.Branch, long.Data.Pipeline = strings.Repeat("<", 5000), strings.Repeat("&é", 5000), strings.Repeat(">", 500)
	for range 100 {
		long.Data.Environments = append(long.Data.Environments, event.Environment{Name: strings.Repeat("e", 40), Outcome: event.Failed})
	}
	for name, e := range map[string]event.Event{"hostile": failed(), "long": long} {
		*got = nil
		d := send(t, clients(server), config.Notification{Slack: &config.ChatTarget{SecretName: "url"}}, e)
		require.True(t, d.Sent, d.Error)
		assert.Equal(t, "/T000/SECRET", (*got)[0].path)
		var message struct {
			Text   string
			Blocks []struct {
				Type   string
				Text   struct{ Type, Text string }
				Fields []struct{ Type, Text string }
			}
		}
		require.NoError(t, json.Unmarshal((*got)[0].body, &message))
		assert.NotRegexp(t, "[<>]", message.Text, name)
		for _, block := range message.Blocks {
			most := map[string]int{"header": 150, "section": 3000}[block.Type]
			assert.LessOrEqual(t, utf8.RuneCountInString(block.Text.Text), most, name)
			assert.LessOrEqual(t, len(block.Fields), 10)
			for _, text := range append(block.Fields, block.Text) {
				if text.Text != "" {
					assert.Equal(t, "plain_text", text.Type, name)
				}
				assert.NotRegexp(t, "[<>]", text.Text, name)
				assert.LessOrEqual(t, utf8.RuneCountInString(text.Text), 3000)
			}
			for _, field := range block.Fields {
				assert.LessOrEqual(t, utf8.RuneCountInString(field.Text), 2000)
			}
		}
	}
	assert.Contains(t, string((*got)[0].body), "plain_text")
}

func TestTeamsEvaluatesNothingThatOthersWrote(t *testing.T) {
	server, got := receiver(t, nil)
	long := failed()
	long.Data.Error, long.Data.Hint, long.Data.Branch = strings.Repeat("é", 50_000), strings.Repeat("é", 50_000), strings.Repeat("é", 50_000)
	for _, e := range []event.Event{failed(), long} {
		*got = nil
		require.True(t, send(t, clients(server), config.Notification{Teams: &config.ChatTarget{SecretName: "object"}}, e).Sent)
		assert.LessOrEqual(t, len((*got)[0].body), 28<<10, "the limit of Teams")
		var message struct {
			Type        string
			Attachments []struct {
				ContentType string
				Content     struct {
					Type, Version string
					Body          []struct {
						Type    string
						Inlines []struct{ Type, Text string }
					}
				}
			}
		}
		require.NoError(t, json.Unmarshal((*got)[0].body, &message))
		card := message.Attachments[0]
		assert.Equal(t, []string{"message", "application/vnd.microsoft.card.adaptive", "AdaptiveCard"}, []string{message.Type, card.ContentType, card.Content.Type})
		for _, block := range card.Content.Body {
			assert.Equal(t, "RichTextBlock", block.Type, "text blocks evaluate Markdown")
			for _, run := range block.Inlines {
				assert.Equal(t, "TextRun", run.Type)
				assert.NotEmpty(t, run.Text)
			}
		}
	}
}

func TestATopicGetsATextForPeopleAndTheEventForPrograms(t *testing.T) {
	var got notify.Publication
	c := notify.Clients{Publish: func(_ context.Context, p notify.Publication) error {
		got = p
		return nil
	}}
	e := failed()
	e.Data.Pipeline = "schön\n" + strings.Repeat("x", 200)
	require.True(t, send(t, c, config.Notification{SNS: &config.TopicTarget{TopicARN: "arn:aws:sns:eu-west-1:111111111111:news"}}, e).Sent)
	assert.Equal(t, "arn:aws:sns:eu-west-1:111111111111:news", got.Topic)
	assert.Regexp(t, `^[!-~][ -~]{0,98}$`, got.Subject)
	var texts map[string]string
	require.NoError(t, json.Unmarshal([]byte(got.Message), &texts))
	var parsed event.Event
	require.NoError(t, json.Unmarshal([]byte(texts["default"]), &parsed))
	assert.Equal(t, e, parsed)
	assert.Contains(t, texts["email"], "Environments: dev succeeded, prod failed")
	assert.Contains(t, texts["email"], "Took: 1m30s")
	assert.Equal(t, "failed", got.Attributes["outcome"])
}

func TestNoErrorOfATargetHasItsSecret(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"it answered 404": func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no "+r.URL.String(), http.StatusNotFound) },
		"it answered 302": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://example.com/SECRET", http.StatusFound)
		},
		"connecting to it: EOF": func(w http.ResponseWriter, _ *http.Request) {
			connection, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = connection.Close()
			}
		},
	}
	for want, answer := range answers {
		server, _ := receiver(t, answer)
		c := clients(server)
		target, err := notify.Subscriptions([]config.Notification{{Slack: &config.ChatTarget{SecretName: "url"}}}, c)[0].Open(t.Context())
		require.NoError(t, err)
		err = target.Send(t.Context(), failed())
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error()+errs.HintOf(err), "SECRET")
	}
	server, _ := receiver(t, nil)
	untrusted := notify.Clients{Poster: notify.NewPoster(everywhere), Secret: clients(server).Secret}
	for _, secret := range []string{"url", "https://no-such-host.invalid/SECRET", "https://user:SECRET@example.com/", "http://example.com/SECRET", "\x7fSECRET", "https://127.0.0.1:1/SECRET", `{"URL": "SECRET"}`} {
		target, err := notify.Subscriptions([]config.Notification{{Slack: &config.ChatTarget{SecretName: secret}}}, untrusted)[0].Open(t.Context())
		if err == nil {
			err = target.Send(t.Context(), failed())
		}
		require.Error(t, err, secret)
		if !strings.HasPrefix(secret, "{") { // whose name is the secret of this test
			assert.NotContains(t, err.Error()+errs.HintOf(err), "SECRET", secret)
		}
	}
}

func TestATargetThatIsBusySaysWhenToAskAgain(t *testing.T) {
	for text, want := range map[string]time.Duration{"7": 7 * time.Second, "-1": 0, "soon": 0, "999999999999": 24 * time.Hour, "99999999999999999999": 0} {
		server, _ := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", text)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		err := poster(server, everywhere).Post(t.Context(), server.URL, []byte("{}"), nil)
		assert.Equal(t, errs.Temporary, errs.KindOf(err))
		var asked errs.RetryAfter
		assert.Equal(t, want > 0, errors.As(err, &asked), text)
		assert.Equal(t, want, asked.After, text)
	}
}

func TestAnAddressOfThisMachineOrOfMetadataIsNeverConnectedTo(t *testing.T) {
	for address, public := range map[string]bool{
		"127.0.0.1": false, "127.9.9.9": false, "::1": false, "169.254.169.254": false, "169.254.170.2": false, "169.254.170.23": false, "fe80::1": false, "fe80::1%eth0": false,
		"fd00:ec2::254": false, "fd00:ec2::23": false, "100.100.100.200": false, "168.63.129.16": false, "0.0.0.0": false, "0.1.2.3": false, "::": false, "224.0.0.1": false, "ff02::1": false,
		"::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "64:ff9b::a9fe:a9fe": false, "255.255.255.255": false,
		"10.0.0.7": true, "172.16.0.1": true, "192.168.1.1": true, "203.0.113.1": true, "2001:db8::1": true, "fd12:3456::1": true, "64:ff9b::cb00:7101": true,
	} {
		assert.Equal(t, public, notify.Public(netip.MustParseAddr(address)), address)
	}
	server, got := receiver(t, nil)
	name := strings.Replace(server.URL, "127.0.0.1", "localhost", 1) // a name that leads to such an address
	for _, url := range []string{server.URL, name} {
		err := poster(server, notify.Public).Post(t.Context(), url, []byte("{}"), nil)
		require.ErrorContains(t, err, "of this machine, its link or its cloud's metadata", url)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), "it is not retried")
	}
	assert.Empty(t, *got)
}

func TestATargetIsToldWhatItWantsToKnow(t *testing.T) {
	run := func(outcome event.Outcome, change func(*event.Run)) event.Event {
		r := event.Run{Run: "shop-1", Outcome: outcome, Environments: []event.Environment{{Name: "dev", Outcome: outcome}}}
		if change != nil {
			change(&r)
		}
		return event.New(event.Finished, "s3://artifacts", time.Now(), r)
	}
	recovered := func(r *event.Run) { r.Recovered = true }
	standard := []string{"failed", "recovered"}
	for name, c := range map[string]struct {
		n    config.Notification
		e    event.Event
		told bool
	}{
		"a failure":                      {config.Notification{Events: standard}, run(event.Failed, nil), true},
		"a success":                      {config.Notification{Events: standard}, run(event.Succeeded, nil), false},
		"a success after a failure":      {config.Notification{Events: standard}, run(event.Succeeded, recovered), true},
		"every success":                  {config.Notification{Events: []string{"succeeded"}}, run(event.Succeeded, recovered), true},
		"a run that was stopped":         {config.Notification{Events: standard}, run(event.Stopped, nil), false},
		"stopped runs":                   {config.Notification{Events: []string{"stopped"}}, run(event.Stopped, nil), true},
		"an environment":                 {config.Notification{Events: standard, Environments: []string{"prod", "dev"}}, run(event.Failed, nil), true},
		"another environment":            {config.Notification{Events: standard, Environments: []string{"prod"}}, run(event.Failed, nil), false},
		"before any environment":         {config.Notification{Events: standard, Environments: []string{"dev"}}, run(event.Failed, func(r *event.Run) { r.Environments = nil }), false},
		"the check of a pull request":    {config.Notification{Events: standard}, run(event.Failed, func(r *event.Run) { r.Check = true }), false},
		"a run that another continues":   {config.Notification{Events: []string{"succeeded"}}, run(event.Succeeded, func(r *event.Run) { r.HandedOver = "shop-1-h" }), false},
		"a test, whatever it wants":      {config.Notification{Events: []string{"stopped"}, Environments: []string{"prod"}}, event.New(event.Test, "s3://artifacts", time.Now(), event.Run{}), true},
		"a repository, of a success":     {config.Notification{Events: standard, GitHub: &config.GitHubTarget{}}, run(event.Succeeded, nil), true},
		"a repository, of a check":       {config.Notification{Events: standard, GitHub: &config.GitHubTarget{}}, run(event.Failed, func(r *event.Run) { r.Check = true }), true},
		"a repository, of nothing to do": {config.Notification{Events: standard, GitHub: &config.GitHubTarget{}}, run(event.Skipped, nil), true},
		"a repository, before the end":   {config.Notification{Events: standard, GitHub: &config.GitHubTarget{}}, run(event.Succeeded, func(r *event.Run) { r.HandedOver = "shop-1-h" }), false},
		"a chat, of nothing to do":       {config.Notification{Events: []string{"failed", "recovered", "succeeded", "stopped", "superseded"}}, run(event.Skipped, nil), false},
		"an event that it does not know": {config.Notification{Events: standard}, event.New("com.example.new", "s3://artifacts", time.Now(), event.Run{Outcome: event.Failed}), false},
	} {
		if c.n.GitHub == nil {
			c.n.Slack = &config.ChatTarget{SecretName: "url"}
		}
		assert.Equal(t, c.told, notify.Subscriptions([]config.Notification{c.n}, notify.Clients{})[0].Wants(c.e), name)
	}
}

func TestTargetsOfOneKindHaveNamesOfTheirOwn(t *testing.T) {
	text := `[{"slack": {"secretName": "a"}}, {"webhook": {"url": "https://a"}}, {"slack": {"secretName": "b"}}]`
	parsed, err := notify.Parse(text)
	require.NoError(t, err)
	var names []string
	for _, s := range notify.Subscriptions(parsed, notify.Clients{}) {
		names = append(names, s.Name)
	}
	assert.Equal(t, []string{"slack", "webhook", "slack-2"}, names)
	none, err := notify.Parse("")
	require.NoError(t, err)
	assert.Empty(t, none)
	_, err = notify.Parse(fmt.Sprintf("[%s", text))
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}
