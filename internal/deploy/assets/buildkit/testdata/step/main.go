// Command step is a step of an image that is built from nothing: it copies files into one,
// prints what it copied, and fails if the last argument says so.
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	var all []byte
	from, to := os.Args[1:len(os.Args)-1], os.Args[len(os.Args)-1]
	for _, name := range from {
		text, err := os.ReadFile(name)
		if err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
		all = append(all, text...)
	}
	fmt.Printf("copied %s\n", all)
	switch to {
	case "fail":
		os.Exit(4)
	case "sleep":
		time.Sleep(time.Hour)
	}
	if err := os.WriteFile(to, all, 0o644); err != nil {
		fmt.Println(err)
		os.Exit(5)
	}
}
