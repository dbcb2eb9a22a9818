package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/notify/event"
)

// webhook posts the event itself to a server, as a CloudEvent in structured mode.
type webhook struct {
	poster Poster
	url    string
	key    []byte // that signs; nil: nothing is signed
}

// Send posts the event. With a key it is signed as Standard Webhooks describes it: the
// server recognises the sender, the time and an event that it got already.
func (w webhook) Send(ctx context.Context, e event.Event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encoding the event: %w", err)
	}
	header := http.Header{"Content-Type": {"application/cloudevents+json; charset=utf-8"}}
	if w.key != nil {
		now := strconv.FormatInt(time.Now().Unix(), 10)
		mac := hmac.New(sha256.New, w.key)
		mac.Write([]byte(e.ID + "." + now + "."))
		mac.Write(body)
		header["Webhook-Id"], header["Webhook-Timestamp"] = []string{e.ID}, []string{now}
		header["Webhook-Signature"] = []string{"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))}
	}
	return w.poster.Post(ctx, w.url, body, header)
}

// keyPrefix begins a key that is written in base64, as Standard Webhooks has it.
const keyPrefix = "whsec_"

// shortestKey is the shortest key that is used, in bytes.
const shortestKey = 16

// keyOf returns the key in a secret.
func keyOf(secret string) ([]byte, error) {
	key := []byte(secret)
	if text, encoded := strings.CutPrefix(secret, keyPrefix); encoded {
		var err error
		if key, err = base64.StdEncoding.DecodeString(text); err != nil {
			return nil, errs.Invalidf("its key for signatures is not in base64 after %s", keyPrefix).WithHint("store a key of 24 random bytes or more")
		}
	}
	if len(key) < shortestKey {
		return nil, errs.Invalidf("its key for signatures has less than %d bytes", shortestKey).WithHint("store a key of 24 random bytes or more")
	}
	return key, nil
}
