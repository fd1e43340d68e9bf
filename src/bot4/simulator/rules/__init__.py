"""What a venue lets an account do: filters, fees, rate limits, request windows, and ids that it remembers."""
