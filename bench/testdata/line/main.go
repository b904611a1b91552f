// Command line prints one line: the least a Go program costs.
package main

import "os"

func main() { _, _ = os.Stdout.WriteString("What if: nothing.\n") }
