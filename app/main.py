"""The page frame: what every page shares, and what becomes of an error that no page expected."""

from pathlib import Path

import streamlit as st

from app import resources
from app.components.errors import shown_errors
from app.components.frame import STYLE, show_chips

ASSETS = Path(__file__).parent / "assets"


def main() -> None:
    """Draw the frame and run the page that the address names."""
    st.set_page_config(page_title="ViT Explorer", page_icon=str(ASSETS / "icon.svg"), layout="wide")
    st.html(STYLE)
    st.logo(str(ASSETS / f"logo-{st.context.theme.type or 'light'}.svg"), size="large")
    page = st.navigation(
        [
            st.Page("views/explore.py", title="Explore", default=True),
            st.Page("views/compare.py", title="Compare"),
            st.Page("views/classify.py", title="Classify"),
            st.Page("views/evaluate.py", title="Evaluate"),
            st.Page("views/finetune.py", title="Fine-tune"),
            st.Page("views/runs.py", title="Runs"),
            st.Page("views/about.py", title="About"),
        ],
        position="top",
    )
    # The chips stand first for the eye and the keyboard, but say what the page has decided, such as the open catalogue.
    header = st.container()
    with shown_errors():
        page.run()
    with shown_errors(), header:
        show_chips()
    with shown_errors():
        resources.device_share()
        resources.run_keeper()


if __name__ == "__main__":
    main()
