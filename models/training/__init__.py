"""Training: settings, forms of rows, batches, the network, its loss and the loop. Needs the full set (torch)."""
