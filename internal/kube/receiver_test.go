package kube_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
)

const podsOfEvents = "/api/v1/namespaces/argo-events/pods/"

var receiver = kube.Receiver{
	Namespace: "argo-events", EventSource: "github", Service: "github-svc", Port: 12000, Path: "/push", Sensor: "shop-sensor", Template: "shop-3f", Triggers: 2,
}

// eventPod stores a pod of Argo Events that has been ready for a while; a negative duration is not ready.
func eventPod(s *kubetest.Server, name, label, variable, object string, ready time.Duration) {
	status := kubetest.Content{"containerStatuses": []any{kubetest.Content{"state": kubetest.Content{
		"waiting": kubetest.Content{"reason": "ImagePullBackOff", "message": "no such image"},
	}}}}
	if ready >= 0 {
		status = kubetest.Content{"conditions": []any{kubetest.Content{
			"type": "Ready", "status": "True", "lastTransitionTime": time.Now().Add(-ready).UTC().Format(time.RFC3339),
		}}}
	}
	key, value, _ := strings.Cut(label, "=")
	s.Put(podsOfEvents+name, "controller", kubetest.Content{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": kubetest.Content{"name": name, "namespace": "argo-events", "labels": kubetest.Content{key: value}},
		"spec": kubetest.Content{"containers": []any{kubetest.Content{"env": []any{
			kubetest.Content{"name": variable, "value": base64.StdEncoding.EncodeToString([]byte(object))},
		}}}},
		"status": status,
	})
}

func TestAPushWouldBeReceivedWhenTheWebhookAnswersAndTheSensorHasSubscribed(t *testing.T) {
	s, c := newServer(t)
	eventPod(s, "hook", "eventsource-name=github", "EVENTSOURCE_OBJECT", "", 0)
	eventPod(s, "sensor", "sensor-name=shop-sensor", "SENSOR_OBJECT", `"shop-3f"`, 0)
	s.Texts["/api/v1/namespaces/argo-events/services/http:github-svc:12000/proxy/push"] = "method not allowed"
	s.Texts[podsOfEvents+"sensor/log"] = strings.Repeat(`{"msg":"Subscribing to subject default.github.github with durable name x"}`+"\n", 2)
	notes, err := c.AwaitReceiver(t.Context(), receiver)
	require.NoError(t, err)
	assert.Empty(t, notes)
}

func TestAwaitReceiverReportsWhatItWaitsFor(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(s *kubetest.Server)
		missing string
	}{
		"no pod": {func(*kubetest.Server) {}, "no pod has the label eventsource-name=github"},
		"an image that cannot be pulled": {func(s *kubetest.Server) {
			eventPod(s, "hook", "eventsource-name=github", "EVENTSOURCE_OBJECT", "", -1)
		}, "pod/hook is not ready: ImagePullBackOff, no such image"},
		"a pod that does not listen": {func(s *kubetest.Server) {
			eventPod(s, "hook", "eventsource-name=github", "EVENTSOURCE_OBJECT", "", 0)
		}, "service/github-svc does not answer"},
		"a Sensor of an earlier version": {func(s *kubetest.Server) {
			eventPod(s, "hook", "eventsource-name=github", "EVENTSOURCE_OBJECT", "", 0)
			s.Texts["/api/v1/namespaces/argo-events/services/http:github-svc:12000/proxy/push"] = "method not allowed"
			eventPod(s, "sensor", "sensor-name=shop-sensor", "SENSOR_OBJECT", `"shop-00"`, time.Hour)
		}, "pod/sensor still starts runs of an earlier version"},
		"a Sensor that has not subscribed": {func(s *kubetest.Server) {
			eventPod(s, "hook", "eventsource-name=github", "EVENTSOURCE_OBJECT", "", 0)
			s.Texts["/api/v1/namespaces/argo-events/services/http:github-svc:12000/proxy/push"] = "method not allowed"
			eventPod(s, "sensor", "sensor-name=shop-sensor", "SENSOR_OBJECT", `"shop-3f"`, 0)
		}, "pod/sensor has not subscribed to the event bus"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, cluster := newServer(t)
			cluster.Start = 500 * time.Millisecond
			c.prepare(s)
			_, err := cluster.AwaitReceiver(t.Context(), receiver)
			require.ErrorContains(t, err, c.missing)
		})
	}
}

func TestWithoutPermissionToReadPodsANoteIsReturnedAndNothingAwaited(t *testing.T) {
	s, c := newServer(t)
	s.Refuse = func(r kubetest.Request) int {
		if strings.Contains(r.Path, "/pods") {
			return http.StatusForbidden
		}
		return 0
	}
	notes, err := c.AwaitReceiver(t.Context(), receiver)
	require.NoError(t, err)
	assert.Len(t, notes, 2)
}
