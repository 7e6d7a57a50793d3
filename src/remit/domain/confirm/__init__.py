"""Confirmations, offers, and the renderings a person sees before answering."""
