package event_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/notify/event"
)

const schemaFile = "../../../schema/run-event.schema.json"

// full is a run with a value for every member.
func full() event.Run {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	return event.Run{
		Pipeline: "shop", Run: "shop-1", Outcome: event.Failed, Recovered: true, Check: true, HandedOver: "shop-1-h", Commit: strings.Repeat("a", 40), Branch: "main",
		Repository: "https://github.com/my-org/shop.git", Pusher: "octocat", Created: at, Ended: at, Error: "deploy-dev: no", Hint: "look there",
		Environments: []event.Environment{{
			Name: "dev", Outcome: event.Failed, Started: at, Ended: at, Error: "no", Stacks: []event.Stack{{Name: "Api", Action: "updated", Seconds: 1.5}},
		}},
	}
}

func TestEveryEventIsValidByThePublishedSchema(t *testing.T) {
	data, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource(event.Schema, document))
	schema, err := compiler.Compile(event.Schema)
	require.NoError(t, err)
	for _, e := range []event.Event{
		event.New(event.Finished, "s3://artifacts", time.Now(), full()),
		event.New(event.Test, "s3://artifacts", time.Now(), event.Run{Run: "test", Outcome: event.Succeeded}),
	} {
		text, err := json.Marshal(e)
		require.NoError(t, err)
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		require.NoError(t, err)
		require.NoError(t, schema.Validate(value))
	}
	wrong := event.New("com.example", "s3://artifacts", time.Now(), full())
	text, err := json.Marshal(wrong)
	require.NoError(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	require.Error(t, schema.Validate(value))
}

func TestTheSchemaHasEveryMemberAndNoOther(t *testing.T) {
	var schema struct {
		Properties  map[string]any
		Definitions map[string]struct{ Properties map[string]any }
	}
	data, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &schema))
	for typ, properties := range map[reflect.Type]map[string]any{
		reflect.TypeFor[event.Event](): schema.Properties, reflect.TypeFor[event.Run](): schema.Definitions["run"].Properties,
		reflect.TypeFor[event.Environment](): schema.Definitions["environment"].Properties, reflect.TypeFor[event.Stack](): schema.Definitions["stack"].Properties,
	} {
		var members, published []string
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			members = append(members, name)
		}
		for name := range properties {
			published = append(published, name)
		}
		slices.Sort(published)
		slices.Sort(members)
		assert.Equal(t, members, published, typ.Name())
	}
}

func TestAnEventThatIsSentAgainHasTheSameID(t *testing.T) {
	first := event.New(event.Finished, "s3://artifacts", time.Now(), full(), "1")
	assert.Equal(t, first.ID, event.New(event.Finished, "s3://artifacts", time.Now().Add(time.Hour), full(), "1").ID)
	for name, other := range map[string]event.Event{
		"another outcome": event.New(event.Finished, "s3://artifacts", time.Now(), full(), "2"), "another type": event.New(event.Test, "s3://artifacts", time.Now(), full(), "1"),
		"another pipeline": event.New(event.Finished, "s3://other", time.Now(), full(), "1"),
	} {
		assert.NotEqual(t, first.ID, other.ID, name)
	}
}
