package cli

import "os"

func openTerminal() (Console, error) {
	f, err := os.OpenFile("CONIN$", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return console{f}, nil
}
