"""What an account at the venue owns and owes: spot balances, margin of perpetuals, liquidation."""
