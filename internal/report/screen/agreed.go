package screen

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
)

// Agreed reads the answer to a yes-or-no question from a terminal. It returns
// early, with an error, when the context ends.
func Agreed(ctx context.Context, terminal *os.File) (bool, error) {
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(terminal).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		return false, fmt.Errorf("stopped before the question was answered: %w", ctx.Err())
	case text := <-answer:
		return text == "y" || text == "yes", nil
	}
}
