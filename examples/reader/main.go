// Command reader makes a buffer and reads frames until their writer closes. The buffer is "camera",
// or the one whose address is given: go run ./examples/reader memfd:camera
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

func main() {
	address := "camera"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	backend, name, err := native.Resolve(address)
	if err != nil {
		log.Fatal(err)
	}
	r, err := zerobuffer.NewReader(backend, name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for frame, err := range r.Frames(ctx) {
		if err != nil {
			log.Print(err)
			return
		}
		fmt.Printf("frame %d: %s\n", frame.Sequence(), frame.Bytes())
		frame.Release()
	}
}
