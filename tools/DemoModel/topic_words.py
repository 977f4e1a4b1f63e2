"""Chooses the words by which an answer is recognised as being on a topic, and writes them to topic-words.json.

An answer is on its topic when it contains at least NEEDED of the topic's words. The words are picked so that every
handwritten text of the topic passes and (nearly) no text of another topic does; what still overlaps is printed.
"""
import json
import re
from pathlib import Path

from write_corpus import read_topics

HERE = Path(__file__).parent
NEEDED = 3
MOST_WORDS = 45


def words_of(text):
    return {word.strip(".'-") for word in re.findall(r"[a-z0-9_.'#/-]+", text.lower())} - {""}


def texts_of(topic):
    """Every text the model may give on the topic, apart from single lines, which are too short to judge."""
    texts = [*topic.answers, *topic.simple, *topic.example]
    return texts + [" ".join(topic.lines[:count]) for count in range(2, len(topic.lines) + 1)]


def choose(topic, own, others):
    chosen = []
    candidates = sorted(set().union(*own))
    own_hits, other_hits = [0] * len(own), [0] * len(others)
    while min(own_hits) < NEEDED and len(chosen) < MOST_WORDS:
        def gain(word):
            helped = sum(1 for hits, words in zip(own_hits, own) if hits < NEEDED and word in words)
            confused = sum(4 ** (hits + 1 - NEEDED) for hits, words in zip(other_hits, others) if word in words)
            return helped - 0.5 * confused, word
        best = max((word for word in candidates if word not in chosen), key=gain)
        chosen.append(best)
        own_hits = [hits + (best in words) for hits, words in zip(own_hits, own)]
        other_hits = [hits + (best in words) for hits, words in zip(other_hits, others)]
    return chosen, min(own_hits), sum(hits >= NEEDED for hits in other_hits)


def main():
    topics = read_topics(HERE / "corpus")
    words = {name: [words_of(text) for text in texts_of(topic)] for name, topic in topics.items()}
    result = {}
    for name, topic in topics.items():
        others = [text for other, texts in words.items() if other != name for text in texts]
        result[name], weakest, confused = choose(topic, words[name], others)
        if weakest < NEEDED or confused:
            print(f"{name}: weakest own text has {weakest} words, {confused} of {len(others)} texts of other topics pass")
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(sorted(chosen))}" for name, chosen in result.items())
    (HERE / "topic-words.json").write_text(f'{{"needed": {NEEDED}, "topics": {{\n{rows}\n}}}}\n')


if __name__ == "__main__":
    main()
