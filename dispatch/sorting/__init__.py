"""Sort plans (分拣方案): from a published plan to chute, bag and loading position of every parcel."""
