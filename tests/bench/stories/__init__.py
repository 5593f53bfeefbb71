"""Stories by a second hand: six weeks of an invented market, written without a look at the monitor's lexicon or at its
own story, so that a detector cannot be good at it by having met its words. For measurements, never a promise to a user.
"""
